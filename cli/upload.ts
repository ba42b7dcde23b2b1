import { createReadStream, existsSync, statSync } from 'node:fs'
import { Transform } from 'node:stream'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { SourceVersion } from '../core/source.ts'
import { CommandError, EXIT } from './output.ts'

/** S3's limit for one PUT; above it the upload goes in parts. */
const ONE_PUT_BYTES = 5 * 1024 ** 3
const PART_BYTES = 64 * 1024 ** 2
const READ_BYTES = 1024 ** 2

/** The file's size in bytes. @throws CommandError `file_not_found` */
export function requireFile(path: string): number {
  if (!existsSync(path) || !statSync(path).isFile())
    throw new CommandError(EXIT.wrongUse, 'file_not_found', `Cannot read "${path}": no such file`)
  return statSync(path).size
}

const counted = (path: string, onBytes: (sent: number) => void): Transform => {
  let sent = 0
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sent += chunk.length
      onBytes(sent)
      done(null, chunk)
    },
  })
  const file = createReadStream(path, { highWaterMark: READ_BYTES })
  file.on('error', (error) => counter.destroy(error))
  return file.pipe(counter)
}

/** Uploads a file in one pass, its checksum after its last byte; answers the version that was made. A PUT's SHA-256 stays with the object. */
export async function uploadFile(
  s3: S3Client,
  bucket: string,
  key: string,
  path: string,
  onBytes: (sent: number) => void,
): Promise<SourceVersion> {
  const sizeBytes = requireFile(path)
  const target = { Bucket: bucket, Key: key, Body: counted(path, onBytes) }
  if (sizeBytes <= ONE_PUT_BYTES) {
    const put = new PutObjectCommand({ ...target, ContentLength: sizeBytes, ChecksumAlgorithm: 'SHA256' })
    return { bucket, key, versionId: (await s3.send(put)).VersionId ?? '' }
  }
  const { Upload } = await import('@aws-sdk/lib-storage')
  const params = { ...target, ChecksumAlgorithm: 'CRC64NVME' as const }
  const { VersionId } = await new Upload({ client: s3, params, partSize: PART_BYTES }).done()
  return { bucket, key, versionId: VersionId ?? '' }
}
