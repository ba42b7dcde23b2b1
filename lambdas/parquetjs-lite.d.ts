/** What this project uses of parquetjs-lite 0.8.7, which has no types of its own. */
declare module 'parquetjs-lite' {
  export interface ParquetField {
    readonly type: 'UTF8' | 'INT32' | 'INT64' | 'TIMESTAMP_MILLIS'
    readonly optional?: boolean
    readonly compression?: 'UNCOMPRESSED' | 'GZIP' | 'SNAPPY'
  }
  export class ParquetSchema {
    constructor(fields: Readonly<Record<string, ParquetField>>)
    readonly fieldList: readonly { readonly name: string; readonly path: readonly string[] }[]
  }
  export class ParquetWriter {
    static openStream(
      schema: ParquetSchema,
      stream: {
        write(bytes: Uint8Array, done: (error?: Error | null) => void): void
        end(done: (error?: Error | null) => void): void
      },
    ): Promise<ParquetWriter>
    appendRow(row: Readonly<Record<string, string | number | Date | null | undefined>>): Promise<void>
    setMetadata(key: string, value: string): void
    close(): Promise<void>
  }
  export interface ParquetSchemaElement {
    readonly name: string
    readonly num_children: number | null
    /** Physical type, as the Thrift enum `Type` numbers it. */
    readonly type?: number | null
    /** As the Thrift enum `ConvertedType` numbers it. */
    readonly converted_type?: number | null
    /** A union: the member that is set names the type. */
    readonly logicalType?: { readonly TIMESTAMP?: object | null } | null
  }
  export class ParquetEnvelopeReader {
    /** `read` must answer Buffers: a plain Uint8Array is taken for a file that is no Parquet. */
    constructor(read: (offset: number, length: number) => Promise<Buffer>, close: () => Promise<void>, fileSize: number)
    readFooter(): Promise<{ readonly schema: readonly ParquetSchemaElement[] }>
  }
  export class ParquetReader {
    static openBuffer(buffer: Uint8Array): Promise<ParquetReader>
    readonly schema: ParquetSchema
    getRowCount(): { toString(): string } | number
    getCursor(): { next(): Promise<Readonly<Record<string, unknown>> | null> }
    getMetadata(): Readonly<Record<string, string>>
    close(): Promise<void>
  }
}
