import type { SourceVersion } from '../../core/source.ts'

export interface SourceHead {
  readonly sizeBytes: number
  /** Hex SHA-256 of the whole content; `null` unless S3 holds one of type FULL_OBJECT. */
  readonly sha256: string | null
  /** What the producer wrote in the metadata `tenant-id` (x-amz-meta-tenant-id); `null` where there is none. */
  readonly announcedTenant: string | null
}

/** What validation may ask of an object version. */
export interface SourceReader {
  /** `null` when the version is gone. */
  head(source: SourceVersion): Promise<SourceHead | null>
  /** The bytes from `first` to `last`, both inclusive and inside the object; `null` when the version is gone. */
  range(source: SourceVersion, first: number, last: number): Promise<Uint8Array | null>
}
