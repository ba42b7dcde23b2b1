import { readFileSync } from 'node:fs'
import type { Contract } from '../../../core/contract.ts'
import type { DatasetName } from '../../../core/identifiers.ts'
import type { Mapping } from '../../../core/mapping.ts'
import { parseContract } from '../../../core/parse-contract.ts'
import { parseMapping } from '../../../core/parse-mapping.ts'
import type { LandedSource, SourceVersion } from '../../../core/source.ts'
import type { CloseJobRequest, IngestInput, RegisterJobResult, ReplayOrder } from '../../../lambdas/messages.ts'
import type { ObjectStore } from '../../../lambdas/object-store.ts'
import type { SeedDocument } from '../../../lambdas/seed-document.ts'
import type { InspectedSource, SourceInspector } from '../../../lambdas/source-inspector.ts'
import type { ObjectFacts } from '../../../replay/plan-source.ts'

const textOf = (path: string): string => readFileSync(new URL(`../../../contracts/${path}`, import.meta.url), 'utf8')

export function contractOf(dataset: string): Contract {
  const parsed = parseContract(textOf(`${dataset}.yaml`), `${dataset}.yaml`)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.value
}

export const mappingText = (tenant: string, dataset: string): string => textOf(`mappings/${tenant}.${dataset}.yaml`)

export function mappingOf(tenant: string, dataset: string): Mapping {
  const parsed = parseMapping(mappingText(tenant, dataset), `${tenant}.${dataset}.yaml`)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.value
}

/** Two tenants with orders. */
export const SEED: SeedDocument = {
  seedVersion: 1,
  contracts: [contractOf('orders')],
  mappings: [mappingOf('acme', 'orders'), mappingOf('globex', 'orders')],
  rulesets: [{ dataset: 'orders' as DatasetName, dqdl: 'Rules = [ RowCount > 0 ]', translations: {} }],
}

export const AT = '2026-03-01T10:00:00.000Z'

export const sourceOf = (key: string, versionId = 'v1'): LandedSource => ({
  bucket: 'sluice-raw',
  key,
  versionId,
  sizeBytes: 120,
  etag: 'etag-of-a-multipart-upload-3',
  sequencer: '00617F08299329D189',
  landedAt: '2026-03-01T09:59:58.000Z',
})

export const inputOf = (source: LandedSource, more: Partial<IngestInput> = {}): IngestInput => ({
  source,
  sourceType: 's3',
  trigger: 'event',
  replay: null,
  ...more,
})

/** What a manifest asks of one source. */
export const orderOf = (more: Partial<ReplayOrder> = {}): ReplayOrder => ({
  replayId: 'r1',
  requestedBy: 'ops',
  reason: 'a test',
  configuration: 'original',
  force: false,
  acceptRejects: false,
  overrideGate: [],
  jobId: null,
  pinned: null,
  plannedAt: null,
  ...more,
})

export const COUNTS = { input: 10, curated: 8, rejected: 1, duplicates: 1 }
export const LEDGER = { inserted: 7, updated: 1, unchanged: 0, stale: 0 }

export const closing = (
  { job }: RegisterJobResult,
  status: CloseJobRequest['status'],
  more: Partial<CloseJobRequest> = {},
): CloseJobRequest => ({
  operation: 'closeJob',
  tenantId: job.tenantId,
  jobId: job.jobId,
  attempt: job.attempt,
  status,
  reasonCode: null,
  message: null,
  duplicateOf: null,
  runId: status === 'COMPLETED' ? `${job.jobId}-${job.attempt}-0` : null,
  counts: status === 'COMPLETED' ? COUNTS : null,
  ledger: status === 'COMPLETED' ? LEDGER : null,
  objects: { validated: null, plan: null, curated: null, rejects: null, quarantine: null, quality: null },
  score: status === 'COMPLETED' ? 1 : null,
  drift: null,
  stages: [{ name: 'ValidateFile', startedAt: AT, millis: 12 }],
  at: '2026-03-01T10:00:05.000Z',
  ...more,
})

/** Objects in memory. */
export class MemoryObjects implements ObjectStore {
  readonly stored = new Map<string, string | Uint8Array>()
  readonly puts: string[] = []

  async readText(bucket: string, key: string): Promise<string | null> {
    const body = this.stored.get(`${bucket}/${key}`)
    if (body === undefined) return null
    return typeof body === 'string' ? body : Buffer.from(body).toString('utf8')
  }

  async put(bucket: string, key: string, body: string | Uint8Array): Promise<void> {
    this.puts.push(`${bucket}/${key}`)
    this.stored.set(`${bucket}/${key}`, body)
  }
}

/** Object versions in memory, all readable unless said otherwise. */
export class MemoryInspector implements SourceInspector {
  readonly facts = new Map<string, ObjectFacts>()
  readonly versions = new Map<string, Uint8Array>()
  inspections = 0

  async inspect({ key, versionId }: SourceVersion): Promise<InspectedSource> {
    this.inspections += 1
    const object = this.facts.get(`${key}?${versionId}`) ?? { kind: 'readable' }
    const landed = object.kind === 'readable' ? { sizeBytes: 120, etag: 'e', landedAt: AT } : null
    return { object, landed }
  }

  async readVersion({ bucket, key, versionId }: SourceVersion, maxBytes: number): Promise<Uint8Array | null> {
    const bytes = this.versions.get(`${bucket}/${key}?${versionId}`) ?? null
    return bytes !== null && bytes.byteLength <= maxBytes ? bytes : null
  }
}
