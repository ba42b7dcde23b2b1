import './parquet-globals.ts'

export { ParquetEnvelopeReader, type ParquetField, ParquetReader, ParquetSchema, ParquetWriter } from 'parquetjs-lite'
