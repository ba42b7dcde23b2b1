import { runIdOf } from '../../../core/identifiers.ts'
import { JOB_ID } from '../harness.ts'

/** A case as the Python side reads it from `cases.json`. */
export interface PreparedCase {
  readonly name: string
  /** Holds a folder a bucket. */
  readonly folder: string
  readonly splitBytes: number
  readonly hasRules: boolean
}

export const PLAN_URI = { small: 's3://work-zone/plans/small.json', large: 's3://work-zone/plans/large.json' }

/** Each executor runs under an id of its own, so that all their results stand side by side. */
export const RUN_IDS = {
  inProcess: runIdOf(JOB_ID, 1, 0),
  small14: runIdOf(JOB_ID, 1, 1),
  small15: runIdOf(JOB_ID, 1, 2),
  large: runIdOf(JOB_ID, 1, 3),
}
