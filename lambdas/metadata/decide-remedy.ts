import { type ReasonCode, reasonOf } from '../../core/reason-codes.ts'

/** A document of a configuration, by version and content hash. */
export interface DocumentVersion {
  readonly version: number
  readonly hash: string
}

const CONFIGURATION_PARTS = ['contract', 'mapping', 'ruleset'] as const
export type ConfigurationPart = (typeof CONFIGURATION_PARTS)[number]

/** What a job runs under. */
export interface ConfigurationVersions extends Readonly<Record<ConfigurationPart, DocumentVersion>> {
  readonly compilerVersion: string
}

export interface RemedyFacts {
  readonly reasonCode: ReasonCode
  /** What the job had pinned; `null`: it was refused before it could. */
  readonly pinned: ConfigurationVersions | null
  /** What the next job would pin; `null`: there is no mapping, contract or ruleset. */
  readonly current: ConfigurationVersions | null
  readonly tenantStatus: string | null
}

export type ChangedPart = ConfigurationPart | 'compiler'

/** Whether running the same bytes again can end otherwise, as things stand. */
export interface Remedy {
  /** What the next job would have otherwise. */
  readonly changed: readonly ChangedPart[]
  readonly replay: 'can_help' | 'cannot_help' | 'after_change'
  /** One sentence: why, and what to do. */
  readonly advice: string
}

function changedParts({ pinned, current }: RemedyFacts): readonly ChangedPart[] {
  if (pinned === null || current === null) return []
  const parts: ChangedPart[] = CONFIGURATION_PARTS.filter((part) => pinned[part].hash !== current[part].hash)
  return pinned.compilerVersion === current.compilerVersion ? parts : [...parts, 'compiler']
}

/** What still stands in the way of a source that had no configuration; `null`: nothing any more. */
function obstacle({ current, tenantStatus }: RemedyFacts): string | null {
  if (tenantStatus === null) return 'The tenant is still not registered: sluice tenant create'
  if (tenantStatus !== 'active') return 'The tenant is still suspended: sluice tenant resume'
  return current === null ? 'The tenant still has no mapping for the dataset' : null
}

/** Decides whether a replay can help: by the reason, and by what has changed since. */
export function decideRemedy(facts: RemedyFacts): Remedy {
  const changed = changedParts(facts)
  const { replay } = reasonOf(facts.reasonCode)
  if (replay === 'no')
    return {
      changed,
      replay: 'cannot_help',
      advice: 'The file itself must be corrected: upload it again under the same key',
    }
  if (replay === 'as_it_is') return { changed, replay: 'can_help', advice: 'Nothing needs to change: release it' }
  const inTheWay = obstacle(facts)
  if (inTheWay !== null) return { changed, replay: 'after_change', advice: inTheWay }
  if (facts.pinned === null)
    return { changed, replay: 'can_help', advice: 'The source has a configuration now: release it' }
  if (changed.length > 0)
    return { changed, replay: 'can_help', advice: `Changed since: ${changed.join(', ')}. Release it to try again` }
  return {
    changed,
    replay: 'after_change',
    advice: `Nothing has changed since: ${CHANGES[waivableBy(facts.reasonCode)]}`,
  }
}

const CHANGES = {
  rejects: 'change the contract or the mapping, or release it with --accept-rejects',
  gate: 'change the ruleset or the mapping, or release it with --override-gate RULE',
  nothing: 'change the contract or the mapping first',
} as const

/** Which waiver lets a source with this reason through. */
function waivableBy(reasonCode: ReasonCode): keyof typeof CHANGES {
  if (reasonCode === 'too_many_rejects') return 'rejects'
  return reasonCode === 'gate_failed' || reasonCode === 'gate_error' ? 'gate' : 'nothing'
}
