import {
  GetObjectCommand,
  HeadObjectCommand,
  type HeadObjectCommandOutput,
  type S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import type { SourceVersion } from '../core/source.ts'
import type { ObjectFacts } from '../replay/plan-source.ts'
import { denialOf } from './denial.ts'
import { discardBody } from './discard-body.ts'
import type { InspectedSource, SourceInspector } from './source-inspector.ts'

/** Classes whose bytes are not at hand until they are restored. GLACIER_IR answers at once and is none of them. */
const ARCHIVES = new Set(['GLACIER', 'DEEP_ARCHIVE'])

function factsOf({ StorageClass, ArchiveStatus, Restore }: HeadObjectCommandOutput): ObjectFacts {
  const archived = ArchiveStatus !== undefined || ARCHIVES.has(StorageClass ?? 'STANDARD')
  if (!archived || Restore?.includes('ongoing-request="false"') === true) return { kind: 'readable' }
  const restoring = Restore?.includes('ongoing-request="true"') === true
  return { kind: 'archived', storageClass: ArchiveStatus ?? StorageClass ?? 'unknown', restoring }
}

/** HEAD answers without a body, so the status is all that tells why. */
function absenceOf(status: number | undefined, message: string): ObjectFacts | null {
  if (status === 404 || status === 400) return { kind: 'missing' }
  if (status === 405) return { kind: 'delete_marker' }
  return status === 403 ? { kind: 'denied', message } : null
}

const versionOf = ({ bucket, key, versionId }: SourceVersion) => ({ Bucket: bucket, Key: key, VersionId: versionId })

async function inspect(client: S3Client, source: SourceVersion): Promise<InspectedSource> {
  try {
    const head = await client.send(new HeadObjectCommand(versionOf(source)))
    return {
      object: factsOf(head),
      landed: {
        sizeBytes: head.ContentLength ?? 0,
        etag: (head.ETag ?? '').replaceAll('"', ''),
        landedAt: (head.LastModified ?? new Date(0)).toISOString(),
      },
    }
  } catch (thrown) {
    const status = thrown instanceof S3ServiceException ? thrown.$metadata.httpStatusCode : undefined
    const denial = status === 403 ? await denialOf(client, source) : null
    const object = absenceOf(status, denial?.message ?? `S3 denies it (${status})`)
    if (object === null) throw thrown
    return { object, landed: null }
  }
}

async function readVersion(client: S3Client, source: SourceVersion, maxBytes: number): Promise<Uint8Array | null> {
  try {
    const { Body, ContentLength } = await client.send(new GetObjectCommand(versionOf(source)))
    if (Body === undefined) return null
    if ((ContentLength ?? 0) <= maxBytes) return await Body.transformToByteArray()
    discardBody(Body)
    return null
  } catch (thrown) {
    const status = thrown instanceof S3ServiceException ? thrown.$metadata.httpStatusCode : undefined
    if (status === 404 || status === 405) return null
    throw thrown
  }
}

/** Object versions of S3. Endpoint, region and credentials come from the environment. */
export const s3SourceInspector = (client: S3Client): SourceInspector => ({
  inspect: (source) => inspect(client, source),
  readVersion: (source, maxBytes) => readVersion(client, source, maxBytes),
})
