/** The objects a function reads and writes as small texts. */
export interface ObjectStore {
  /** `null` when there is no such object. @throws SluiceError `object_too_large` above `maxBytes` */
  readText(bucket: string, key: string, maxBytes: number): Promise<string | null>
  put(bucket: string, key: string, body: string | Uint8Array, contentType: string): Promise<void>
}
