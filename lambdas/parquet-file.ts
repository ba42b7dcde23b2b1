import './parquet-globals.ts'

export {
  ParquetEnvelopeReader,
  type ParquetField,
  ParquetReader,
  ParquetSchema,
  type ParquetSchemaElement,
  ParquetWriter,
} from 'parquetjs-lite'
