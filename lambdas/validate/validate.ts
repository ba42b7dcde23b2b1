import type { Contract } from '../../core/contract.ts'
import { digestOf } from '../../core/digest.ts'
import { isBreakingChange } from '../../core/reason-codes.ts'
import { validatedKey } from '../../glue/compile-plan.ts'
import type { ValidateRequest, ValidateResult } from '../messages.ts'
import type { ObjectStore } from '../object-store.ts'
import { type CheckedSource, checkSource } from './check-source.ts'
import { compileRun, type RunBuckets } from './compile-run.ts'
import type { PinnedDocuments } from './pinned-documents.ts'
import type { QualityHistoryReader } from './quality-history.ts'
import { isRefusal, type Refusal } from './refusal.ts'
import type { SourceReader } from './source-reader.ts'

export interface ValidateDeps {
  readonly reader: SourceReader
  readonly objects: ObjectStore
  readonly documents: (configuration: ValidateRequest['configuration']) => Promise<PinnedDocuments>
  readonly history: QualityHistoryReader
  readonly buckets: RunBuckets
  readonly copyRoleArn: string
}

/** Of `details` in an answer. */
const MAX_DETAILS_BYTES = 2048

/** What the contract says about files that break it; documents pinned before it could say so mean quarantine. */
const onBreakingChange = ({ drift }: Contract): 'quarantine' | 'fail' =>
  drift.quarantineOnBreakingChange === false ? 'fail' : 'quarantine'

const refused = ({ reasonCode, message, details, drift }: Refusal, contract: Contract): ValidateResult => ({
  valid: false,
  reasonCode,
  breaking: isBreakingChange(reasonCode) ? onBreakingChange(contract) : 'quarantine',
  message: message.slice(0, 600),
  details: Buffer.byteLength(JSON.stringify(details)) > MAX_DETAILS_BYTES ? {} : details,
  drift,
})

async function store(
  request: ValidateRequest,
  checked: CheckedSource,
  documents: PinnedDocuments,
  { objects, buckets, copyRoleArn, history }: ValidateDeps,
): Promise<ValidateResult> {
  const { job, source } = request
  const earlier = await history(job, documents.ruleset.dqdl)
  const compiled = compileRun(request, checked, documents, buckets, copyRoleArn, earlier)
  const plan = JSON.stringify(compiled.plan)
  const load = JSON.stringify(compiled.load)
  // The load is part of the address: another role or contract text is another folder, never an overwritten file.
  const hash = digestOf(`${plan}\n${load}`)
  const folder = `plans/${job.tenantId}/${job.dataset}/${job.jobId}/${hash}`
  const pointer = (name: string) => ({ bucket: buckets.work, key: `${folder}/${name}` })
  await Promise.all([
    objects.put(buckets.work, `${folder}/plan.json`, plan, 'application/json'),
    objects.put(buckets.work, `${folder}/load.json`, load, 'application/json'),
  ])
  return {
    valid: true,
    plan: pointer('plan.json'),
    load: pointer('load.json'),
    engine: compiled.plan.engine,
    validated: { bucket: buckets.validated, key: validatedKey(job, source.key) },
    sizeBytes: checked.head.sizeBytes,
    sha256: checked.head.sha256,
    drift: checked.drift,
    breaking: onBreakingChange(documents.contract),
  }
}

/** Validates one source: checks it, compiles what its run will do, and stores that. A refusal is an answer, not an error. */
export async function validate(request: ValidateRequest, deps: ValidateDeps): Promise<ValidateResult> {
  const documents = await deps.documents(request.configuration)
  const { contract, mapping } = documents
  const checked = await checkSource(request.source, { contract, mapping, reader: deps.reader })
  return isRefusal(checked) ? refused(checked, contract) : store(request, checked, documents, deps)
}
