import { printPhysicalType } from '../../core/column-type.ts'
import type { Contract } from '../../core/contract.ts'
import { curatedColumns } from '../../core/curated-columns.ts'
import { comparableSequencer, type LandedSource } from '../../core/source.ts'
import { compileQuality } from '../../dqdl/compile.ts'
import { compilePlan } from '../../glue/compile-plan.ts'
import type { Plan } from '../../glue/plan.ts'
import { compileLoad } from '../../warehouse/load.ts'
import type { LoadPlan } from '../../warehouse/load-plan.ts'
import type { ValidateRequest } from '../messages.ts'
import { ledgerText } from '../waivers.ts'
import type { CheckedSource } from './check-source.ts'
import type { PinnedDocuments } from './pinned-documents.ts'
import { type EarlierRuns, NO_EARLIER_RUNS } from './quality-history.ts'

export interface RunBuckets {
  readonly validated: string
  readonly curated: string
  readonly work: string
  readonly dqResults: string
}

export interface CompiledRun {
  readonly plan: Plan
  readonly load: LoadPlan
}

const pinnedOf = ({ configuration }: ValidateRequest): Plan['pinned'] => ({
  configurationHash: configuration.hash,
  contract: { version: configuration.contract.version, hash: configuration.contract.hash },
  mapping: { version: configuration.mapping.version, hash: configuration.mapping.hash },
  ruleset: { hash: configuration.ruleset.hash },
  compilerVersion: configuration.compilerVersion,
})

const qualityOf = (
  { contract, ruleset }: PinnedDocuments,
  { registeredAt, waivers }: ValidateRequest['job'],
  { history, judgedToday }: EarlierRuns,
) =>
  compileQuality(ruleset.dqdl, qualityColumnsOf(contract), {
    now: new Date(registeredAt),
    translations: ruleset.translations,
    overridden: waivers?.overrideGate ?? [],
    history,
    judgedToday,
  })

/** The contract as the run holds the file to it: with accepted rejects no share of them is too many. */
const judgedContract = (contract: Contract, { waivers }: ValidateRequest['job']): Contract =>
  waivers?.acceptRejects === true ? { ...contract, rejectTolerance: 1 } : contract

const qualityColumnsOf = (contract: Contract) =>
  curatedColumns(contract).map((column) => ({
    name: column.name,
    duckdbType: printPhysicalType(column, 'duckdb'),
  }))

/**
 * Compiles plan and load of a checked source. Pure: the same source under the same configuration gives the same texts.
 * @param earlier runs of the tenant's dataset, for rules that compare with them or are judged once a day
 */
export function compileRun(
  request: ValidateRequest,
  checked: CheckedSource,
  documents: PinnedDocuments,
  buckets: RunBuckets,
  copyRoleArn: string,
  earlier: EarlierRuns = NO_EARLIER_RUNS,
): CompiledRun {
  const { job } = request
  const source: LandedSource = { ...request.source, sizeBytes: checked.head.sizeBytes }
  const plan = compilePlan({
    contract: judgedContract(documents.contract, job),
    mapping: documents.mapping,
    quality: qualityOf(documents, job, earlier),
    pinned: pinnedOf(request),
    job,
    source,
    sample: { header: checked.header, encoding: checked.encoding, compression: checked.compression },
    buckets,
  })
  const load = compileLoad(documents.contract, {
    copyRoleArn,
    tenantId: job.tenantId,
    waivers: ledgerText(job.waivers),
    jobs: [
      {
        jobId: job.jobId,
        registeredAt: job.registeredAt,
        sourceKey: source.key,
        sourceModifiedAt: source.landedAt,
        sequencer: comparableSequencer(source.sequencer),
        mappingVersion: documents.mapping.version,
      },
    ],
  })
  return { plan, load }
}
