import { digestOf } from './digest.ts'
import { parseLandingKey, type SourceVersion } from './source.ts'

/**
 * The name of a source's ingest execution: `{tenant}-{dataset}-{16 hex of SHA-256 of bucket, key and version}`, so that a
 * redelivered event cannot run twice. intake/v1 forms the same name; a test holds them together.
 */
export function executionNameOf(source: SourceVersion): string {
  const key = parseLandingKey(source.key)
  const hash = digestOf([source.bucket, source.key, source.versionId].join('\n')).slice(0, 16)
  return key === null ? `unknown-${hash}` : `${key.tenantId}-${key.dataset}-${hash}`
}
