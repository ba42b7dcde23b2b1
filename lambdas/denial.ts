import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3'
import type { SourceVersion } from '../core/source.ts'

/** HEAD is answered without a body, so that a 403 does not say what is missing. */
export const isDenied = (thrown: unknown): boolean =>
  thrown instanceof S3ServiceException && thrown.$metadata.httpStatusCode === 403

/** Why a version may not be read: what S3 answers to a GET, which names principal, action and resource; `null` if it answers. */
export async function denialOf(client: S3Client, { bucket, key, versionId }: SourceVersion): Promise<Error | null> {
  try {
    const version = { Bucket: bucket, Key: key, VersionId: versionId, Range: 'bytes=0-0' }
    const { Body } = await client.send(new GetObjectCommand(version))
    await Body?.transformToByteArray()
    return null
  } catch (thrown) {
    return isDenied(thrown) && thrown instanceof Error ? thrown : null
  }
}
