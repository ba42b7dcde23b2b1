import type { JobId } from '../core/identifiers.ts'
import type { SourceVersion } from '../core/source.ts'

/** `original`: what the source's last job pinned. `current`: what is in force when the replay is planned. */
export type ReplayConfiguration = 'original' | 'current'

/** Every source that fits all that is given, as its last job stands when the replay is planned. */
export interface ReplaySelection {
  readonly tenant: string | null
  readonly dataset: string | null
  /** ISO 8601 UTC, inclusive. */
  readonly landedFrom: string | null
  /** ISO 8601 UTC, exclusive. */
  readonly landedTo: string | null
  readonly status: string | null
  readonly reasonCode: string | null
  readonly keyPrefix: string | null
}

/** What a manifest asks to be run again: exactly one of the three. */
export type ReplayTarget =
  | { readonly kind: 'sources'; readonly sources: readonly SourceVersion[] }
  | { readonly kind: 'jobs'; readonly jobs: readonly JobId[] }
  | { readonly kind: 'select'; readonly select: ReplaySelection }

/** The verdicts of the workflow that an operator takes upon himself; they stay with the job for ever. */
export interface ReplayOverrides {
  /** Load what fits the contract though more rows are rejects than it tolerates. */
  readonly acceptRejects: boolean
  /** Quality rules, by name (`Rule_3`) or text, that may fail without stopping the load. */
  readonly overrideGate: readonly string[]
}

export interface ReplayOptions extends ReplayOverrides {
  /** Report what would happen, and do nothing. */
  readonly dryRun: boolean
  /** Publish what the same configuration has published already once more. */
  readonly force: boolean
  /** Skip sources that any job published, whatever its configuration. */
  readonly skipIfPublished: boolean
  /** Sources that run at once. */
  readonly maxConcurrency: number
  /** The replay is refused when more sources are selected. */
  readonly maxSources: number
  /** The number of sources that the operator expects; `null` when not given. */
  readonly confirm: number | null
}

/** A manifest that was accepted, with every default filled in. */
export interface ReplayManifest {
  readonly replayId: string
  readonly reason: string
  readonly requestedBy: string
  readonly target: ReplayTarget
  readonly configuration: ReplayConfiguration
  readonly options: ReplayOptions
}

/** A replay of more sources or tenants than these must be confirmed with the exact number of sources. */
export const CONFIRM_ABOVE = { sources: 100, tenants: 10 } as const
/** Sources of one manifest; a larger backfill is several manifests. */
export const MAX_SOURCES = 20_000
export const DEFAULT_CONCURRENCY = 10
/** A manifest of {@link MAX_SOURCES} sources with long keys stays below. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024
/** Of all rules of `overrideGate` together: they travel with the job's state, its events and its ledger row. */
export const MAX_OVERRIDE_BYTES = 3000
/** Where manifests are dropped in the replay bucket. */
const MANIFEST_PREFIX = 'manifests/'

/** The key under which tools of Sluice drop a manifest. */
export const manifestKeyOf = (replayId: string): string => `${MANIFEST_PREFIX}${replayId}.json`

/** Everything kept of a replay lies below `audit/{replayId}/`, and is written by planning and closing only. */
export type AuditDocument = 'manifest.json' | 'plan.jsonl' | 'runs.jsonl' | 'result.json'

export const auditKey = (replayId: string, name: AuditDocument): string => `audit/${replayId}/${name}`

/** The result object beside a manifest: the same key with `.result` in place of `.json`, which starts no replay. */
export const resultKeyOf = (manifestKey: string): string => `${manifestKey.replace(/\.json$/, '')}.result`
