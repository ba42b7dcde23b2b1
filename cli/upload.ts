import { createReadStream, existsSync, statSync } from 'node:fs'
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { SourceVersion } from '../core/source.ts'
import { CommandError, EXIT } from './output.ts'

/** S3's limit for one PUT; above it the upload goes in parts. */
const ONE_PUT_BYTES = 5 * 1024 ** 3
const PART_BYTES = 64 * 1024 ** 2

/** @throws CommandError `file_not_found` */
export function requireFile(path: string): number {
  if (!existsSync(path) || !statSync(path).isFile())
    throw new CommandError(EXIT.wrongUse, 'file_not_found', `Cannot read "${path}": no such file`)
  return statSync(path).size
}

/** Uploads a file with its SHA-256, streamed; answers the version that was made. */
export async function uploadFile(
  s3: S3Client,
  bucket: string,
  key: string,
  path: string,
  onBytes: (sent: number) => void,
): Promise<SourceVersion> {
  const sizeBytes = requireFile(path)
  const body = createReadStream(path, { highWaterMark: 1024 * 1024 })
  let sent = 0
  body.on('data', (chunk) => {
    sent += chunk.length
    onBytes(sent)
  })
  const target = { Bucket: bucket, Key: key, Body: body }
  if (sizeBytes <= ONE_PUT_BYTES) {
    const { VersionId } = await s3.send(
      new PutObjectCommand({ ...target, ContentLength: sizeBytes, ChecksumAlgorithm: 'SHA256' }),
    )
    return { bucket, key, versionId: VersionId ?? '' }
  }
  const { Upload } = await import('@aws-sdk/lib-storage')
  const { VersionId } = await new Upload({
    client: s3,
    params: { ...target, ChecksumAlgorithm: 'CRC64NVME' },
    partSize: PART_BYTES,
  }).done()
  return { bucket, key, versionId: VersionId ?? '' }
}
