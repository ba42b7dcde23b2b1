import type { RuleResult as Outcome, Severity } from '../../core/run-documents.ts'
import type { Ruleset } from '../ast.ts'
import { compileQuality } from '../compile.ts'
import { evaluateRuleset } from '../evaluate.ts'
import type { QualityConnection } from '../execute.ts'
import type { GlueResult, GlueRuleResult } from '../glue-result.ts'
import { historyOf } from '../history.ts'
import type { MetricHistory } from '../operands.ts'
import { rejudge } from './rejudge.ts'

/** A job that was judged, with what was kept of it. */
export interface PastJob {
  readonly jobId: string
  readonly tenantId: string
  /** ISO 8601 UTC: the instant that `now()` meant. */
  readonly registeredAt: string
  readonly status: string
  /** Replays add nothing to the history of dynamic rules. */
  readonly isReplay: boolean
  readonly result: GlueResult
  /** Brings its curated rows; `null` when they are gone. */
  rows(): Promise<PastRows | null>
}

export interface PastRows {
  /** What stands behind FROM. */
  readonly relation: string
  /** They are needed no more. */
  release(): Promise<void>
}

/** `UNKNOWN`: the data are gone, and the kept result does not tell. */
export type PastOutcome = Outcome | 'UNKNOWN'
export interface RuleChange {
  readonly rule: string
  readonly severity: Severity
  /** `null`: the job was judged without this rule. */
  readonly was: Outcome | null
  /** `null`: the changed ruleset has it no more. */
  readonly would: PastOutcome | null
  readonly message: string | null
}
export interface BacktestedJob {
  readonly jobId: string
  readonly tenantId: string
  readonly registeredAt: string
  readonly status: string
  readonly was: { readonly gate: Outcome; readonly score: number }
  /** `score` is `null` while a rule is unknown. */
  readonly would: { readonly gate: PastOutcome; readonly score: number | null }
  readonly change: 'same' | 'would_stop' | 'would_pass' | 'unknown'
  /** `data`: the rules were evaluated on the curated rows; `results`: they are gone, and the kept metrics were judged anew. */
  readonly evidence: 'data' | 'results'
  /** Rules that say something else than they said, are new, or are gone; rules that pass as before are left out. */
  readonly rules: readonly RuleChange[]
}

interface Judged {
  readonly text: string
  readonly severity: Severity
  readonly would: PastOutcome
  readonly message: string | null
}

const severityOf = ({ Labels }: GlueRuleResult): Severity => (Labels.severity === 'warn' ? 'warn' : 'gate')

function gateOf<T extends string>(outcomes: readonly T[]): T | 'PASS' {
  for (const worst of ['FAIL', 'ERROR', 'UNKNOWN']) {
    const found = outcomes.find((outcome) => outcome === worst)
    if (found !== undefined) return found
  }
  return 'PASS'
}
const gateOfKept = ({ RuleResults }: GlueResult): Outcome =>
  gateOf(RuleResults.filter((rule) => severityOf(rule) === 'gate').map(({ Result }) => Result))

function changeOf(was: Outcome, would: PastOutcome): BacktestedJob['change'] {
  if (would === 'UNKNOWN') return 'unknown'
  if ((was === 'PASS') === (would === 'PASS')) return 'same'
  return would === 'PASS' ? 'would_pass' : 'would_stop'
}

function changedRules(judged: readonly Judged[], kept: GlueResult): readonly RuleChange[] {
  const keptByText = new Map(kept.RuleResults.map((rule) => [rule.Description, rule]))
  const texts = new Set(judged.map(({ text }) => text))
  const now = judged.flatMap(({ text, severity, would, message }): RuleChange[] => {
    const before = keptByText.get(text)
    const isSame = before?.Result === would && severityOf(before) === severity
    return isSame || (before === undefined && would === 'PASS')
      ? []
      : [{ rule: text, severity, was: before?.Result ?? null, would, message }]
  })
  const gone = kept.RuleResults.filter(({ Description, Result }) => !texts.has(Description) && Result !== 'PASS').map(
    (rule): RuleChange => ({
      rule: rule.Description,
      severity: severityOf(rule),
      was: rule.Result,
      would: null,
      message: rule.EvaluationMessage ?? null,
    }),
  )
  return [...now, ...gone]
}

/** Everything the jobs of one tenant have in common. */
export interface BacktestRules {
  readonly ruleset: Ruleset
  /** Additional data sources by alias, as relations. */
  readonly references: Readonly<Record<string, string>>
}

async function evaluated(
  job: PastJob,
  { relation, release }: PastRows,
  { ruleset, references }: BacktestRules,
  history: MetricHistory,
  connection: QualityConnection,
): Promise<{ judged: readonly Judged[]; result: GlueResult }> {
  const now = new Date(job.registeredAt)
  try {
    const { result, plan } = await evaluateRuleset({ ruleset, relation, references, now, history }, connection)
    const judged = result.RuleResults.map((rule, index) => ({
      text: rule.Description,
      severity: plan.rules[index]?.severity ?? 'gate',
      would: rule.Result,
      message: rule.EvaluationMessage ?? null,
    }))
    return { judged, result }
  } finally {
    await release()
  }
}

function rejudged(job: PastJob, { ruleset }: BacktestRules, history: MetricHistory): readonly Judged[] {
  const { rules } = compileQuality(ruleset, [], { now: new Date(job.registeredAt) })
  return ruleset.rules.map((rule, index) => {
    const verdict = rejudge(rule, job.result, history)
    const { text = '', severity = 'gate' } = rules[index] ?? {}
    return { text, severity, would: verdict?.result ?? 'UNKNOWN', message: verdict?.message ?? null }
  })
}

const scoreOf = (judged: readonly Judged[]): number | null =>
  judged.some(({ would }) => would === 'UNKNOWN')
    ? null
    : judged.filter(({ would }) => would === 'PASS').length / Math.max(judged.length, 1)

/** The metrics of both results: those of the changed rules, and those only the kept one has. */
const merged = (kept: GlueResult, now: GlueResult | null): GlueResult =>
  now === null
    ? kept
    : {
        ...now,
        RuleResults: [...kept.RuleResults, ...now.RuleResults],
        AnalyzerResults: [...kept.AnalyzerResults, ...now.AnalyzerResults],
      }

/**
 * Holds a changed ruleset against past jobs, each as if it had been the first under the changed rules: `now()` is its
 * registration, and `last(k)` sees the jobs before it that were loaded.
 * @param jobs of one dataset, oldest first
 */
export async function backtest(
  jobs: readonly PastJob[],
  rules: BacktestRules,
  connection: QualityConnection,
): Promise<readonly BacktestedJob[]> {
  const earlier = new Map<string, GlueResult[]>()
  const done: BacktestedJob[] = []
  for (const job of jobs) {
    const known = earlier.get(job.tenantId) ?? []
    const history = historyOf(known)
    const rows = await job.rows()
    const { judged, result } =
      rows === null
        ? { judged: rejudged(job, rules, history), result: null }
        : await evaluated(job, rows, rules, history, connection)
    const would = gateOf(judged.filter(({ severity }) => severity === 'gate').map((each) => each.would))
    const was = gateOfKept(job.result)
    if (was === 'PASS' && !job.isReplay) earlier.set(job.tenantId, [merged(job.result, result), ...known])
    done.push({
      jobId: job.jobId,
      tenantId: job.tenantId,
      registeredAt: job.registeredAt,
      status: job.status,
      was: { gate: was, score: job.result.Score },
      would: { gate: would, score: scoreOf(judged) },
      change: changeOf(was, would),
      evidence: rows === null ? 'results' : 'data',
      rules: changedRules(judged, job.result),
    })
  }
  return done
}
