import type { ReasonCode } from '../core/reason-codes.ts'
import type { RowCounts } from '../core/run-documents.ts'
import type { Plan } from './plan.ts'

/** What stands against a run; both `null` where nothing does. */
export interface Outcome {
  readonly reasonCode: ReasonCode | null
  readonly message: string | null
}

const ACCEPTED: Outcome = { reasonCode: null, message: null }

/** Whether the counts and the contract let the run through. */
export function judgeRun(plan: Plan, counts: RowCounts, typeErrors: number, openQuote: boolean): Outcome {
  const { input, curated, rejected, duplicates } = counts
  if (openQuote)
    return {
      reasonCode: 'malformed_records',
      message: 'A quote that was opened is not closed before the end of the file',
    }
  if (input !== curated + rejected + duplicates)
    return {
      reasonCode: 'counts_do_not_reconcile',
      message: `${input} records in, ${curated} curated + ${rejected} rejected + ${duplicates} duplicates out`,
    }
  if (plan.typeCoercion === 'none' && typeErrors > 0)
    return {
      reasonCode: 'type_drift',
      message: `${typeErrors} of ${input} records hold a value that does not fit its type`,
    }
  if (rejected > input * plan.rejectTolerance)
    return {
      reasonCode: 'too_many_rejects',
      message: `${rejected} of ${input} records are rejects; the contract tolerates ${plan.rejectTolerance * 100}%`,
    }
  return ACCEPTED
}
