import { SluiceError } from '../../core/errors.ts'
import { parseJobId, parseTenantId } from '../../core/identifiers.ts'
import { isReasonCode, type ReasonCode } from '../../core/reason-codes.ts'
import type { Fields } from '../input.ts'
import type { ClaimContentRequest, CloseJobRequest, Drift, LandedVersion, SweepRequest } from '../messages.ts'

export function reasonCodeOf(fields: Fields, name: string): ReasonCode | null {
  const text = fields.textOrNull(name)
  if (text === null || isReasonCode(text)) return text
  throw new SluiceError(
    'invalid_input',
    `Cannot read the input as ${fields.path}.${name} is no reason code: "${text}"`,
    {
      where: { path: `${fields.path}.${name}` },
      found: text,
    },
  )
}

const DRIFT_CLASSES = ['none', 'additive', 'reordered', 'retyped', 'missing', 'structural'] as const
const CHANGE_KINDS = ['absent', 'retyped', 'new'] as const

const driftOf = (drift: Fields | null): Drift | null =>
  drift === null
    ? null
    : {
        class: drift.oneOf('class', DRIFT_CLASSES),
        added: drift.texts('added'),
        missing: drift.texts('missing'),
        changes: (drift.has('changes') ? drift.objects('changes') : []).map((change) => ({
          column: change.text('column'),
          kind: change.oneOf('kind', CHANGE_KINDS),
          old: change.textOrNull('old'),
          new: change.textOrNull('new'),
        })),
      }

const countsOf = (counts: Fields | null): CloseJobRequest['counts'] =>
  counts === null
    ? null
    : {
        input: counts.integer('input'),
        curated: counts.integer('curated'),
        rejected: counts.integer('rejected'),
        duplicates: counts.integer('duplicates'),
      }

const ledgerOf = (ledger: Fields | null): CloseJobRequest['ledger'] =>
  ledger === null
    ? null
    : {
        inserted: ledger.integer('inserted'),
        updated: ledger.integer('updated'),
        unchanged: ledger.integer('unchanged'),
        stale: ledger.integer('stale'),
      }

const objectsOf = (objects: Fields | null): CloseJobRequest['objects'] => ({
  validated: objects?.textOrNull('validated') ?? null,
  plan: objects?.textOrNull('plan') ?? null,
  curated: objects?.textOrNull('curated') ?? null,
  rejects: objects?.textOrNull('rejects') ?? null,
  quarantine: objects?.textOrNull('quarantine') ?? null,
  quality: objects?.textOrNull('quality') ?? null,
})

/** @throws SluiceError `invalid_input` */
export const parseCloseJob = (request: Fields): CloseJobRequest => ({
  operation: 'closeJob',
  tenantId: parseTenantId(request.text('tenantId')),
  jobId: parseJobId(request.text('jobId')),
  attempt: request.integer('attempt'),
  status: request.oneOf('status', ['COMPLETED', 'QUARANTINED', 'FAILED', 'SKIPPED', 'DEFERRED']),
  reasonCode: reasonCodeOf(request, 'reasonCode'),
  message: request.textOrNull('message'),
  duplicateOf: request.textOrNull('duplicateOf'),
  runId: request.textOrNull('runId'),
  counts: countsOf(request.objectOrNull('counts')),
  ledger: ledgerOf(request.objectOrNull('ledger')),
  objects: objectsOf(request.objectOrNull('objects')),
  score: request.numberOrNull('score'),
  drift: driftOf(request.objectOrNull('drift')),
  stages: (request.has('stages') ? request.objects('stages') : []).map((stage) => ({
    name: stage.text('name'),
    startedAt: stage.time('startedAt'),
    millis: Math.round(stage.numberOrNull('millis') ?? 0),
  })),
  at: request.time('at'),
})

/** @throws SluiceError `invalid_input` */
export function parseClaimContent(request: Fields): ClaimContentRequest {
  const sha256 = request.text('sha256')
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw new SluiceError('invalid_input', 'Cannot read the input as $.sha256 must be 64 hex characters')
  return {
    operation: 'claimContent',
    tenantId: parseTenantId(request.text('tenantId')),
    jobId: parseJobId(request.text('jobId')),
    sha256,
    force: request.flag('force', false),
  }
}

const landedVersionOf = (version: Fields): LandedVersion => ({
  key: version.text('key'),
  versionId: version.text('versionId'),
  sizeBytes: version.integer('sizeBytes'),
  etag: version.text('etag'),
  landedAt: version.time('landedAt'),
})

/** @throws SluiceError `invalid_input` */
export const parseSweep = (request: Fields): SweepRequest => ({
  operation: 'sweep',
  bucket: request.text('bucket'),
  landed: request.objects('landed').map(landedVersionOf),
  page: request.integer('page'),
  ...(request.has('graceSeconds') ? { graceSeconds: request.integer('graceSeconds') } : {}),
  at: request.time('at'),
})
