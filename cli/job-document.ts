import {
  expected,
  type Guard,
  isFlag,
  isNumber,
  isText,
  listOf,
  objectWith,
  optional,
  orNull,
  recordOf,
} from './guards.ts'

/** A job as `sluice jobs --json` prints it; the metadata function answers in this form. */
export interface JobDocument {
  readonly jobId: string
  readonly tenantId: string
  readonly dataset: string
  readonly status: string
  readonly reasonCode: string | null
  readonly message?: string | null
  readonly duplicateOf?: string | null
  readonly executionArn: string | null
  readonly source: {
    readonly bucket: string
    readonly key: string
    readonly versionId: string
    readonly sizeBytes: number
  }
  readonly counts: Readonly<Record<string, number | null>> | null
  /** How the columns of the source differ from what the mapping consumes. */
  readonly drift?: { readonly class: string; readonly changes?: readonly DriftChangeView[] } | null
  readonly quality: { readonly score: number | null; readonly rules?: readonly RuleView[] } | null
  readonly objects: Readonly<Record<string, string | null>>
  readonly stages?: readonly { readonly name: string; readonly startedAt: string; readonly millis: number }[]
  /** In order; with what an operator let each off. */
  readonly attempts?: readonly AttemptView[]
}

export interface AttemptView {
  readonly attempt: number
  readonly kind: string
  readonly status: string
  readonly requestedBy?: string | null
  readonly why?: string | null
  readonly waivers?: { readonly acceptRejects: boolean; readonly overrideGate: readonly string[] } | null
}

export interface DriftChangeView {
  readonly column: string
  readonly kind: string
  readonly old: string | null
  readonly new: string | null
}

export interface RuleView {
  readonly name: string
  readonly rule: string
  readonly result: string
  readonly severity: string
}

const isSource = objectWith<JobDocument['source']>({
  bucket: isText,
  key: isText,
  versionId: isText,
  sizeBytes: isNumber,
})
const isDriftChange = objectWith<DriftChangeView>({
  column: isText,
  kind: isText,
  old: orNull(isText),
  new: orNull(isText),
})
const isDrift = objectWith<NonNullable<JobDocument['drift']>>({
  class: isText,
  changes: optional(listOf(isDriftChange)),
})
const isRule = objectWith<RuleView>({ name: isText, rule: isText, result: isText, severity: isText })
const isQuality = objectWith<NonNullable<JobDocument['quality']>>({
  score: orNull(isNumber),
  rules: optional(listOf(isRule)),
})
const isStage = objectWith<NonNullable<JobDocument['stages']>[number]>({
  name: isText,
  startedAt: isText,
  millis: isNumber,
})
const isWaivers = objectWith<NonNullable<AttemptView['waivers']>>({
  acceptRejects: isFlag,
  overrideGate: listOf(isText),
})
const isAttempt = objectWith<AttemptView>({
  attempt: isNumber,
  kind: isText,
  status: isText,
  requestedBy: optional(orNull(isText)),
  why: optional(orNull(isText)),
  waivers: optional(orNull(isWaivers)),
})
const isJob: Guard<JobDocument> = objectWith<JobDocument>({
  jobId: isText,
  tenantId: isText,
  dataset: isText,
  status: isText,
  reasonCode: orNull(isText),
  message: optional(orNull(isText)),
  duplicateOf: optional(orNull(isText)),
  executionArn: orNull(isText),
  source: isSource,
  counts: orNull(recordOf(orNull(isNumber))),
  drift: optional(orNull(isDrift)),
  quality: orNull(isQuality),
  objects: recordOf(orNull(isText)),
  stages: optional(listOf(isStage)),
  attempts: optional(listOf(isAttempt)),
})

/** @throws Error for an answer that is no job */
export const parseJob = (value: unknown): JobDocument => expected(value, isJob, 'job')
