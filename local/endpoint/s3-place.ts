/** Bucket and key in an S3 request: in the path, or the bucket in the host. */

import type { RawRequest } from './request.ts'
import { percentDecode } from './request.ts'

export interface S3Place {
  /** `null` for requests to the service itself. */
  readonly bucket: string | null
  /** What follows the bucket, still encoded; begins with a slash or is empty. */
  readonly path: string
}

/** Host style is `BUCKET.localhost` or `BUCKET.s3[.REGION].amazonaws.com` (or `.s3.localhost`). */
export function s3Place({ rawPath, headers }: RawRequest): S3Place {
  const host = (headers.get('host') ?? '').replace(/:\d+$/, '')
  const byHost = /^(.+?)\.(?:s3[.-][a-z0-9.-]*amazonaws\.com|s3\.localhost|localhost)$/.exec(host)?.[1]
  if (byHost !== undefined && byHost !== 's3') return { bucket: byHost, path: rawPath }
  const slash = rawPath.indexOf('/', 1)
  const bucket = percentDecode(slash === -1 ? rawPath.slice(1) : rawPath.slice(1, slash))
  return bucket === '' ? { bucket: null, path: rawPath } : { bucket, path: slash === -1 ? '' : rawPath.slice(slash) }
}
