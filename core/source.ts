import { digestOfJson } from './digest.ts'
import type { DatasetName, TenantId } from './identifiers.ts'
import { NAME_PATTERN } from './identifiers.ts'

/** One object version. `key` is the key as stored, never URL-encoded. */
export interface SourceVersion {
  readonly bucket: string
  readonly key: string
  readonly versionId: string
}

/** A source as its event describes it. */
export interface LandedSource extends SourceVersion {
  readonly sizeBytes: number
  readonly etag: string
  /** S3's hex sequencer; of two events of one key the larger, right-padded with zeros, is the later write. */
  readonly sequencer: string
  /** ISO 8601, UTC: the event's time, which is the object's last-modified. */
  readonly landedAt: string
}

export interface LandingKey {
  readonly tenantId: TenantId
  readonly dataset: DatasetName
  /** The rest of the key; may hold `/`. */
  readonly name: string
  /** From `…/YYYY/MM/DD/…` or `…/dt=YYYY-MM-DD/…` in the name, if it is there. */
  readonly partition: string | null
}

/** Reads `landing/{tenantId}/{dataset}/{anything}`; `null` when the key has another form (`invalid_key_prefix`). */
export function parseLandingKey(key: string): LandingKey | null {
  const parts = /^landing\/([^/]+)\/([^/]+)\/(.+)$/s.exec(key)
  if (parts === null) return null
  const [, tenant = '', dataset = '', name = ''] = parts
  if (!NAME_PATTERN.test(tenant) || !NAME_PATTERN.test(dataset)) return null
  const day =
    /(?:^|\/)(\d{4})\/(\d{2})\/(\d{2})\//.exec(name) ?? /(?:^|\/)(?:dt|date)=(\d{4})-(\d{2})-(\d{2})\//.exec(name)
  return {
    tenantId: tenant as TenantId,
    dataset: dataset as DatasetName,
    name,
    partition: day === null ? null : `${day[1]}-${day[2]}-${day[3]}`,
  }
}

/**
 * Stands for the sequencer of a version that a listing told of, as listings tell none: older than any of S3's, and another one for each
 * version, so that versions of one second are still in one order, whichever of them is loaded last.
 */
export const sequencerOfListed = ({ key, versionId }: Pick<SourceVersion, 'key' | 'versionId'>): string =>
  `0000${digestOfJson({ key, versionId }).slice(0, 28)}`

/** A sequencer padded so that text order is write order. */
export const comparableSequencer = (sequencer: string): string => sequencer.padEnd(32, '0')
