import type { ReasonCode } from '../../core/reason-codes.ts'
import { replayStepOf } from '../../replay/job-step.ts'
import type { IngestInput, RegisterJobResult } from '../messages.ts'
import type { JobStatus } from './job-status.ts'

/** The job of this source under the configuration in question, as it stands. */
export interface KnownJob {
  readonly status: JobStatus
  /** Waits for the sweep, with no execution of its own any more. */
  readonly deferred: boolean
  /** Says PROCESSING, but its slot has run out. */
  readonly leaseExpired: boolean
  /** The execution that owns the current attempt is the one that asks. */
  readonly ownedByCaller: boolean
}

export interface RegistrationFacts {
  readonly trigger: IngestInput['trigger']
  readonly force: boolean
  /** Why no configuration can be pinned for the source; `null` when one is. */
  readonly refusal: ReasonCode | null
  readonly known: KnownJob | null
  /** What this very execution was answered before, if it asked before. */
  readonly answered: RegisterJobResult['decision'] | null
  /** Of the tenant and of the same kind, live or replayed; each kind has slots of its own. */
  readonly activeJobs: number
  readonly maxActiveJobs: number
}

/**
 * What to do with the job row.
 * `register`: the first attempt. `keep`: as it is. `resume`: a waiting job goes on under the calling execution.
 * `redrive`: the same attempt again. `attempt`: a new attempt. `publish`: a new attempt that may publish once more.
 */
export type RegistrationStep = 'register' | 'keep' | 'resume' | 'redrive' | 'attempt' | 'publish'

export interface Registration {
  readonly decision: RegisterJobResult['decision']
  readonly step: RegistrationStep
}

const DUPLICATE: Registration = { decision: 'duplicate', step: 'keep' }

function stepFor(facts: Pick<RegistrationFacts, 'trigger' | 'force'>, known: KnownJob): RegistrationStep | null {
  const { trigger, force } = facts
  if (known.ownedByCaller) {
    if (known.status === 'PENDING' || known.status === 'PROCESSING') return 'keep'
    if (known.status === 'FAILED') return 'redrive'
  }
  if (trigger === 'replay') return replayStepOf(known, force)
  if (trigger !== 'sweep') return null
  return known.status === 'QUARANTINED' ? null : replayStepOf(known, false)
}

/** Whether the job would be compiled anew for the caller, who does not own it. */
export function takesUp(facts: Pick<RegistrationFacts, 'trigger' | 'force'>, known: KnownJob): boolean {
  const step = stepFor(facts, known)
  return step === 'resume' || step === 'attempt' || step === 'publish'
}

/** A caller that holds its slot already keeps it; everybody else must find a free one. */
function admitted(facts: RegistrationFacts, step: RegistrationStep): boolean {
  const holdsSlot = step === 'keep' && facts.known?.status === 'PROCESSING'
  return holdsSlot || facts.activeJobs < facts.maxActiveJobs
}

/** The execution asked before, and what it was told has been done or was taken over by another. */
const isOver = (known: KnownJob): boolean =>
  !known.ownedByCaller || ['COMPLETED', 'QUARANTINED', 'SKIPPED'].includes(known.status)

/**
 * Decides whether a source runs. One source under one configuration runs once: completed before means nothing to do, running
 * means attach, failed means again only for sweep and replay, quarantined only for replay, and completed again only by force.
 */
export function decideRegistration(facts: RegistrationFacts): Registration {
  if (facts.answered === 'duplicate') return DUPLICATE
  const toldToRun = facts.answered !== null && facts.answered !== 'wait'
  if (toldToRun && facts.known !== null && isOver(facts.known)) return DUPLICATE
  const step = facts.known === null ? 'register' : stepFor(facts, facts.known)
  if (step === null) return DUPLICATE
  if (facts.refusal !== null) return { decision: 'refuse', step }
  return { decision: admitted(facts, step) ? 'run' : 'wait', step }
}
