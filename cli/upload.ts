import { createHash } from 'node:crypto'
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

async function sha256Of(path: string): Promise<Buffer> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) hash.update(chunk as Buffer)
  return hash.digest()
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

/** One PUT whose SHA-256, computed once, is both the object's checksum and the signed hash of the payload. */
async function putWhole(
  s3: S3Client,
  target: { Bucket: string; Key: string },
  path: string,
  sizeBytes: number,
  onBytes: (sent: number) => void,
): Promise<string> {
  const sha256 = await sha256Of(path)
  const command = new PutObjectCommand({
    ...target,
    Body: counted(path, onBytes),
    ContentLength: sizeBytes,
    ChecksumSHA256: sha256.toString('base64'),
  })
  command.middlewareStack.add(
    (next) => (args) => {
      const { request } = args as { request: { headers: Record<string, string> } }
      request.headers['x-amz-content-sha256'] = sha256.toString('hex')
      return next(args)
    },
    { step: 'build', name: 'signedPayloadHash' },
  )
  return (await s3.send(command)).VersionId ?? ''
}

/** Uploads a file with its checksum, streamed; answers the version that was made. */
export async function uploadFile(
  s3: S3Client,
  bucket: string,
  key: string,
  path: string,
  onBytes: (sent: number) => void,
): Promise<SourceVersion> {
  const sizeBytes = requireFile(path)
  const target = { Bucket: bucket, Key: key }
  if (sizeBytes <= ONE_PUT_BYTES)
    return { bucket, key, versionId: await putWhole(s3, target, path, sizeBytes, onBytes) }
  const { Upload } = await import('@aws-sdk/lib-storage')
  const params = { ...target, Body: counted(path, onBytes), ChecksumAlgorithm: 'CRC64NVME' as const }
  const { VersionId } = await new Upload({ client: s3, params, partSize: PART_BYTES }).done()
  return { bucket, key, versionId: VersionId ?? '' }
}
