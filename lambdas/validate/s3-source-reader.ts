import { GetObjectCommand, HeadObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import type { SourceVersion } from '../../core/source.ts'
import { denialOf, isDenied } from '../denial.ts'
import type { SourceHead, SourceReader } from './source-reader.ts'

const place = ({ bucket, key, versionId }: SourceVersion) => ({ Bucket: bucket, Key: key, VersionId: versionId })

/** HEAD has no error body: 404 is a version that never was or was deleted, 405 a delete marker. */
const isGone = (thrown: unknown): boolean =>
  thrown instanceof S3ServiceException &&
  (thrown.$metadata.httpStatusCode === 404 ||
    thrown.$metadata.httpStatusCode === 405 ||
    thrown.name === 'NoSuchVersion' ||
    thrown.name === 'NoSuchKey')

async function orNull<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work
  } catch (thrown) {
    if (isGone(thrown)) return null
    throw thrown
  }
}

async function head(client: S3Client, source: SourceVersion): Promise<SourceHead | null> {
  const asked = client.send(new HeadObjectCommand({ ...place(source), ChecksumMode: 'ENABLED' }))
  const answer = await orNull(asked).catch(async (thrown: unknown) => {
    throw isDenied(thrown) ? ((await denialOf(client, source)) ?? thrown) : thrown
  })
  if (answer === null) return null
  const { ContentLength = 0, ChecksumSHA256, ChecksumType, Metadata } = answer
  const isOfContent = ChecksumSHA256 !== undefined && ChecksumType === 'FULL_OBJECT'
  return {
    sizeBytes: ContentLength,
    sha256: isOfContent ? Buffer.from(ChecksumSHA256, 'base64').toString('hex') : null,
    announcedTenant: Metadata?.['tenant-id'] ?? null,
  }
}

async function range(client: S3Client, source: SourceVersion, first: number, last: number): Promise<Uint8Array | null> {
  const command = new GetObjectCommand({ ...place(source), Range: `bytes=${first}-${last}` })
  const answer = await orNull(client.send(command))
  if (answer === null) return null
  return answer.Body === undefined ? new Uint8Array() : answer.Body.transformToByteArray()
}

/** Head and ranges of exactly one object version. */
export const s3SourceReader = (client: S3Client): SourceReader => ({
  head: (source) => head(client, source),
  range: (source, first, last) => range(client, source, first, last),
})
