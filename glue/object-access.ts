/** The objects that an executor may touch. Whoever implements it checks the caller's role on every call. URIs are `s3://bucket/key`. */
export interface ObjectAccess {
  readText(uri: string): Promise<string>
  /** A path of the object's content that may be read only. */
  localPath(uri: string): Promise<string>
  /** Moves the file in; the path is gone afterwards. @returns the object's size in bytes */
  putFile(uri: string, localPath: string): Promise<number>
  putText(uri: string, text: string): Promise<void>
}

/** `s3://bucket/key` of an object. */
export const uriOf = ({ bucket, key }: { readonly bucket: string; readonly key: string }): string =>
  `s3://${bucket}/${key}`

/** Bucket and key of `s3://bucket/key`. @throws TypeError for another form */
export function parseUri(uri: string): { readonly bucket: string; readonly key: string } {
  const parts = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri)
  if (parts === null) throw new TypeError(`Cannot read "${uri}" as s3://bucket/key`)
  return { bucket: parts[1] ?? '', key: parts[2] ?? '' }
}
