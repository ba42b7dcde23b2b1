import { digestOf } from '../core/digest.ts'
import type { Severity } from '../core/run-documents.ts'
import { compileAnalyzer } from './analyzers.ts'
import type { Composite, Label, Rule, RuleExpression, Ruleset } from './ast.ts'
import { dueRules } from './cadence.ts'
import {
  type CompiledRule,
  errored,
  failed,
  MeasureNames,
  Measures,
  type Surroundings,
  sourcesOf,
} from './compiled-rule.ts'
import { resultDocument, verdictDocument } from './documents.ts'
import { type MetricHistory, OperandError } from './operands.ts'
import { requireRuleset } from './parse.ts'
import { printAnalyzer, printBareRuleset, printRule, printRuleset } from './print.ts'
import type { QualityColumn, QualityPlan, QualityRule, QualityStatement } from './quality-plan.ts'
import { RULE_COMPILERS } from './rules/index.ts'
import { RuleError, RuleFailure } from './rules/support.ts'
import { macroStatements } from './spark-functions.ts'
import { double, literal } from './sql.ts'
import type { SqlTranslations } from './sql-translation.ts'

export interface CompileOptions {
  /** The instant that `now()` and times of day mean; a run's registration, so that the same run gives the same plan. */
  readonly now: Date
  /** Earlier values of a metric, newest first, for `last(k)`; none by default. */
  readonly history?: MetricHistory
  /** Of {@link translateRuleset}; a where clause or CustomSql that is not among them is ERROR. */
  readonly translations?: SqlTranslations
  /** Columns of the additional data sources by alias; the executor makes a view of each alias. */
  readonly references?: ReadonlyMap<string, readonly QualityColumn[]>
  /** A result of the same day is in the history: rules of daily cadence are left out. False by default. */
  readonly judgedToday?: boolean
  /** Rules, by name (`Rule_3`) or canonical text, that an operator has taken from the gate: they only warn, and say why. */
  readonly overridden?: readonly string[]
}

interface Part {
  readonly index: number
  readonly measures: Measures
  readonly compiled: CompiledRule
  /** SQL over the measures: false where they do not settle the rule. */
  readonly provenIf?: string
  readonly valuesOf?: string | null
}

/**
 * Compiles a ruleset to SQL whose rows are finished verdicts. Plain aggregates of all rules share one scan; each set of
 * columns whose frequencies count, and each CustomSql, has a query of its own.
 * @param columns of the data, in the engine's types
 * @throws SluiceError `ruleset_invalid`
 */
export function compileQuality(
  source: Ruleset | string,
  columns: readonly QualityColumn[],
  options: CompileOptions,
): QualityPlan {
  const ruleset = typeof source === 'string' ? requireRuleset(source) : source
  const surroundings = surroundingsOf(columns, options)
  const due = dueRules(ruleset, options.judgedToday ?? false)
  const rules = due.map(({ rule, index }) => qualityRule(rule, index, ruleset.defaultLabels, options))
  const names = new MeasureNames()
  const { parts, composites, next } = numberParts(due, ruleset.rules.length)
  const compiled = parts.map(({ index, rule }): Part => {
    const measures = new Measures(names)
    return { index, measures, compiled: compileRule(rule, measures, surroundings) }
  })
  const settled = new Map(
    parts.map(({ rule }, position) => [rule, evaluatedRuleOf(compiled[position]?.compiled) ?? rule] as const),
  )
  const evaluated = due.map(({ rule }) => substituted(rule, settled))
  const analyzers = ruleset.analyzers.map((analyzer, position) => ({
    index: next + position,
    name: `Analyzer_${position + 1}`,
    text: printAnalyzer(analyzer),
  }))
  const measured = ruleset.analyzers.map((analyzer, position): Part => {
    const measures = new Measures(names)
    const compile = (rule: Rule): CompiledRule => compileRule(rule, measures, surroundings)
    return { index: next + position, measures, compiled: compileAnalyzer(analyzer, measures, surroundings, compile) }
  })
  return {
    qualityPlanVersion: 1,
    rulesetHash: digestOf(printRuleset(ruleset)),
    ruleset: printBareRuleset({ ...ruleset, rules: evaluated }),
    rules: rules.map((rule, position) => withEvaluated(rule, evaluated[position])),
    analyzers,
    setup: [...SETUP, ...macroStatements(Object.values(surroundings.translations).map(({ sql }) => sql ?? ''))],
    statements: [...statementsOf([...compiled, ...measured]), JUDGE, ...compositeStatements(composites)],
    resultDocument: resultDocument(rules, analyzers),
    verdictDocument: verdictDocument(rules),
  }
}

const evaluatedRuleOf = (compiled: CompiledRule | undefined): Rule | null =>
  compiled?.kind === 'measured' ? compiled.evaluatedRule : null

/** An expression with its rules replaced. */
const substituted = (expression: RuleExpression, by: ReadonlyMap<Rule, Rule>): RuleExpression =>
  expression.kind === 'rule'
    ? (by.get(expression) ?? expression)
    : { ...expression, parts: expression.parts.map((part) => substituted(part, by)) }

function withEvaluated(rule: QualityRule, evaluated: RuleExpression | undefined): QualityRule {
  const text = evaluated === undefined ? rule.text : printRule(evaluated)
  return text === rule.text ? rule : { ...rule, evaluated: text }
}

export const surroundingsOf = (columns: readonly QualityColumn[], options: CompileOptions): Surroundings => ({
  columns,
  now: options.now,
  history: options.history ?? (() => []),
  translations: options.translations ?? {},
  references: options.references ?? new Map(),
})

/** Of a rule that an operator has taken from the gate; results show them. */
const OVERRIDDEN_LABELS = { severity: 'warn', overridden: 'true' }

/** `severity` of the labels; anything but `warn` stops a load. */
const severityOf = (labels: Readonly<Record<string, string>>): Severity =>
  labels.severity === 'warn' ? 'warn' : 'gate'

function qualityRule(
  rule: RuleExpression,
  index: number,
  defaults: readonly Label[],
  { overridden = [] }: CompileOptions,
): QualityRule {
  const own = Object.fromEntries([...defaults, ...(rule.labels ?? [])].map(({ key, value }) => [key, value]))
  const name = `Rule_${index + 1}`
  const text = printRule(rule)
  const labels = overridden.some((named) => named === name || named === text) ? { ...own, ...OVERRIDDEN_LABELS } : own
  return { index, name, text, severity: severityOf(labels), labels }
}

/** A composite rule with the numbers of the parts its truth is made of. */
interface NumberedComposite {
  readonly index: number
  readonly truth: string
  readonly parts: readonly number[]
}

/** Plain rules keep their index; the rules inside composites are numbered behind the last rule. */
function numberParts(
  rules: ReturnType<typeof dueRules>,
  count: number,
): {
  parts: { index: number; rule: Rule }[]
  composites: NumberedComposite[]
  /** The first number that is free. */
  next: number
} {
  const parts: { index: number; rule: Rule }[] = []
  const composites: NumberedComposite[] = []
  let next = count
  const truthOf = (expression: RuleExpression, own: number[]): string => {
    if (expression.kind === 'composite') return truthOfComposite(expression, own)
    const index = next
    next += 1
    own.push(index)
    parts.push({ index, rule: expression })
    return `truth[${index}]`
  }
  const truthOfComposite = ({ operator, parts: inner }: Composite, own: number[]): string =>
    `(${inner.map((part) => truthOf(part, own)).join(` ${operator.toUpperCase()} `)})`
  for (const { rule, index } of rules) {
    if (rule.kind === 'rule') {
      parts.push({ index, rule })
      continue
    }
    const own: number[] = []
    composites.push({ index, truth: truthOfComposite(rule, own), parts: own })
  }
  return { parts, composites, next }
}

/** Says of a rule that compares with earlier runs that there were none. */
function withNote(compiled: CompiledRule, { history }: Surroundings): CompiledRule {
  if (compiled.kind !== 'measured' || compiled.evaluatedRule === null) return compiled
  const [metric] = compiled.metrics
  if (metric === undefined || compiled.metrics.some(({ name }) => history(name).length > 0)) return compiled
  const noted = { ...compiled, note: `There are no earlier values of ${metric.name}: last() counts as 0.0.` }
  return compiled.shortcut === undefined
    ? noted
    : { ...noted, shortcut: { ...compiled.shortcut, rule: { ...compiled.shortcut.rule, note: noted.note } } }
}

/** @throws nothing that data or rules can cause: what cannot be compiled is settled as FAIL or ERROR */
export function compileRule(rule: Rule, measures: Measures, surroundings: Surroundings): CompiledRule {
  const compiler = RULE_COMPILERS[rule.type]
  if (compiler === undefined)
    return errored(`Rule (or nested rule) not supported due to: ${rule.type} cannot be evaluated here`)
  try {
    return withNote(compiler(rule, measures, surroundings), surroundings)
  } catch (thrown) {
    if (thrown instanceof RuleFailure) return failed(thrown.message)
    if (thrown instanceof RuleError) return errored(thrown.message)
    if (thrown instanceof OperandError) return errored(`Can't execute the assertion: ${thrown.message}!`)
    throw thrown
  }
}

const SETUP: readonly string[] = [
  'CREATE OR REPLACE TEMP TABLE sluice_verdicts (rule_index INTEGER, result VARCHAR, metrics VARCHAR, message VARCHAR, evaluated_rule VARCHAR)',
  'CREATE OR REPLACE TEMP TABLE sluice_figures (rule_index INTEGER, settled VARCHAR, checks STRUCT(v DOUBLE, f VARCHAR)[], metrics STRUCT(n VARCHAR, v DOUBLE)[], message VARCHAR, evaluated_rule VARCHAR, note VARCHAR)',
  'CREATE OR REPLACE TEMP VIEW "primary" AS FROM sluice_data',
  // Digits and exponent of a double as the engine prints it, whatever its notation.
  `CREATE OR REPLACE TEMP MACRO sluice_scientific(digits, exponent) AS digits[1] || '.' || coalesce(nullif(rtrim(digits[2:], '0'), ''), '0') || 'E' || exponent`,
  `CREATE OR REPLACE TEMP MACRO sluice_large(s) AS sluice_scientific(replace(split_part(s, '.', 1) || split_part(s, '.', 2), '.', ''), length(split_part(s, '.', 1)) - 1)`,
  `CREATE OR REPLACE TEMP MACRO sluice_small(s) AS sluice_scientific(ltrim(split_part(s, '.', 2), '0'), length(ltrim(split_part(s, '.', 2), '0')) - length(split_part(s, '.', 2)) - 1)`,
  `CREATE OR REPLACE TEMP MACRO sluice_positive(v, s) AS CASE WHEN contains(s, 'e') THEN sluice_scientific(replace(split_part(s, 'e', 1), '.', ''), split_part(s, 'e', 2)::INTEGER) WHEN v >= 1e7 THEN sluice_large(s) WHEN v < 1e-3 AND v > 0 THEN sluice_small(s) ELSE s END`,
  // Numbers in messages print as Scala prints doubles: 4.0, 1.0E10.
  `CREATE OR REPLACE TEMP MACRO sluice_number(v) AS CASE WHEN isnan(v) THEN 'NaN' WHEN isinf(v) THEN CASE WHEN v > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE CASE WHEN v < 0 THEN '-' ELSE '' END || sluice_positive(abs(v), CAST(abs(v) AS VARCHAR)) END`,
  // JSON has no NaN: the AWS protocols send such numbers as texts.
  `CREATE OR REPLACE TEMP MACRO sluice_json_number(v) AS CASE WHEN isfinite(v) THEN CAST(v AS VARCHAR) ELSE '"' || sluice_number(v) || '"' END`,
  // Metrics that were not measured are left out.
  `CREATE OR REPLACE TEMP MACRO sluice_metrics(metrics) AS '{' || array_to_string(list_transform(list_filter(metrics, lambda x: x.v IS NOT NULL), lambda x: to_json(x.n)::VARCHAR || ':' || sluice_json_number(x.v)), ',') || '}'`,
  // NULL when no check failed.
  `CREATE OR REPLACE TEMP MACRO sluice_failures(checks) AS nullif(array_to_string(list_transform(list_filter(checks, lambda x: x.f IS NOT NULL), lambda x: CASE WHEN x.f IN ('!', '.') THEN 'Value: ' || sluice_number(x.v) || ' does not meet the constraint requirement' || x.f ELSE x.f END), chr(10)), '')`,
]

const NO_CHECKS = '[]::STRUCT(v DOUBLE, f VARCHAR)[]'
const NO_METRICS = '[]::STRUCT(n VARCHAR, v DOUBLE)[]'
const listOr = (items: readonly string[], none: string): string => (items.length === 0 ? none : `[${items.join(', ')}]`)

/** A rule's figures as a struct: index, settled result, checks, metrics, settled message, evaluated rule, note, whether they are right. */
function figuresSql({ index, compiled, provenIf = 'true' }: Part): string {
  const struct = (
    result: string,
    checks: string,
    metrics: string,
    message: string,
    evaluated: string,
    note: string,
  ): string =>
    `{'i': ${index}, 'r': ${result}, 'c': ${checks}, 'n': ${metrics}, 't': ${message}, 'u': ${evaluated}, 'o': ${note}, 'p': ${provenIf}}`
  if (compiled.kind === 'settled') {
    const metrics = Object.entries(compiled.metrics).map(
      ([name, value]) => `{'n': ${literal(name)}, 'v': ${double(value)}}`,
    )
    return struct(
      literal(compiled.result),
      NO_CHECKS,
      listOr(metrics, NO_METRICS),
      textOrNull(compiled.message),
      textOrNull(null),
      textOrNull(null),
    )
  }
  const checks = compiled.checks.map(({ value, failure }) => `{'v': ${value}::DOUBLE, 'f': ${failure}}`)
  const metrics = compiled.metrics.map(({ name, sql }) => `{'n': ${literal(name)}, 'v': ${sql}::DOUBLE}`)
  return struct(
    textOrNull(null),
    listOr(checks, NO_CHECKS),
    listOr(metrics, NO_METRICS),
    textOrNull(null),
    textOrNull(compiled.evaluatedRule === null ? null : printRule(compiled.evaluatedRule)),
    textOrNull(compiled.note ?? null),
  )
}
const textOrNull = (text: string | null): string => (text === null ? 'NULL::VARCHAR' : literal(text))

function statementOf(parts: readonly Part[]): QualityStatement {
  const sources = sourcesOf(parts.map(({ measures }) => measures))
  const figures = parts.map(figuresSql).join(', ')
  return {
    sql: `INSERT INTO sluice_figures ${sources.with} SELECT f.i, f.r, f.c, f.n, f.t, f.u, f.o FROM (SELECT unnest([${figures}]) AS f${sources.from}) WHERE f.p`,
    rules: parts.map(({ index }) => index),
    measures: measuredBy(parts),
  }
}

/** What a statement measures, for people. */
function measuredBy(parts: readonly Part[]): string {
  const kinds = parts.map(({ measures, valuesOf = null, provenIf }) => {
    if (measures.values.size > 0) return `distinct values of ${valuesOf}`
    if (measures.queries.size > 0) return 'a query of its own'
    if (valuesOf !== null && provenIf !== undefined) return `all rows of ${valuesOf}`
    return measures.aggregates.size > 0 ? 'aggregates in one scan' : null
  })
  return kinds.find((kind) => kind !== null) ?? 'nothing: known before a row is read'
}

/** Makes verdicts of all figures at once: texts and JSON are written by one expression, not by one a rule. */
const JUDGE: QualityStatement = {
  sql: `INSERT INTO sluice_verdicts SELECT rule_index, coalesce(settled, CASE WHEN failed IS NULL THEN 'PASS' ELSE 'FAIL' END), sluice_metrics(metrics), nullif(concat_ws(chr(10), failed, note), ''), evaluated_rule FROM (SELECT *, coalesce(message, sluice_failures(checks)) AS failed FROM sluice_figures)`,
  rules: [],
}

/** From so many rules over a column on, its distinct values are counted once and the rules look at them. */
const MIN_RULES_OVER_VALUES = 3
/** Values are counted where a sample of rows holds at most so many: grouping a key would cost more than its rules. */
const MAX_SAMPLED_VALUES = 1000
const SAMPLED_ROWS = 20_000

/** One statement for all rules over the shared scan, one for each query of another kind and the rules that use it. */
function statementsOf(parts: readonly Part[]): QualityPlan['statements'] {
  const counted = parts.map(withCountedColumn)
  const countedAnyway = new Set(counted.flatMap((part) => (shortcutOf(part) === null ? (part.valuesOf ?? []) : [])))
  const shortcuts = new Map(parts.flatMap((part) => shortcutOf(part) ?? []).map((part) => [part.index, part]))
  for (const [index, { valuesOf }] of [...shortcuts])
    if (
      valuesOf != null &&
      !countedAnyway.has(valuesOf) &&
      [...shortcuts.values()].filter((each) => each.valuesOf === valuesOf).length < MIN_RULES_OVER_VALUES
    )
      shortcuts.delete(index)
  const cheap = counted.map((part) => shortcuts.get(part.index) ?? part)
  const exact = counted.flatMap((part) => {
    const shortcut = shortcuts.get(part.index)
    return shortcut === undefined ? [] : [{ ...part, valuesOf: shortcut.valuesOf ?? part.valuesOf ?? null }]
  })
  return [...groupsOf(cheap).map(unlessManyValues), ...groupsOf(exact).map(unlessSettled)]
}

/** A rule that cannot do without the distinct values of a column: others over that column look at them, too. */
function withCountedColumn(part: Part): Part {
  const [column] = part.measures.values.keys()
  return column === undefined ? part : { ...part, valuesOf: column }
}

function shortcutOf({ index, compiled }: Part): Part | null {
  if (compiled.kind !== 'measured' || compiled.shortcut === undefined) return null
  const { measures, rule, provenIf, valuesOf } = compiled.shortcut
  return { index, measures, compiled: rule, provenIf, valuesOf }
}

/** Parts that need the same queries. */
function groupsOf(parts: readonly Part[]): readonly (readonly Part[])[] {
  const groups = new Map<string, Part[]>()
  for (const part of parts) {
    const { queries, values } = part.measures
    const key = [part.valuesOf ?? '', String(values.size), ...[...queries.keys()].sort()].join(',')
    groups.set(key, [...(groups.get(key) ?? []), part])
  }
  return [...groups.values()]
}

function unlessManyValues(group: readonly Part[]): QualityPlan['statements'][number] {
  const statement = statementWithFallback(group)
  const column = group[0]?.valuesOf ?? null
  const countedAnyway = group.some(({ provenIf }) => provenIf === undefined)
  if (column === null || countedAnyway) return statement
  const sample = `SELECT ${column} AS value FROM sluice_data LIMIT ${SAMPLED_ROWS}`
  return {
    ...statement,
    unless: `SELECT approx_count_distinct(value) > ${MAX_SAMPLED_VALUES} FROM (${sample})`,
    onlyIf: `${SAMPLED_ROWS} rows have at most ${MAX_SAMPLED_VALUES} values`,
  }
}

function statementWithFallback(group: readonly Part[]): QualityPlan['statements'][number] {
  const statement = statementOf(group)
  return group.length === 1 ? statement : { ...statement, fallback: group.map((part) => statementOf([part])) }
}

const SETTLED = 'SELECT rule_index FROM sluice_figures UNION SELECT rule_index FROM sluice_verdicts'

/** The exact form of rules that have a shortcut, for those that it left open. */
function unlessSettled(group: readonly Part[]): QualityPlan['statements'][number] {
  const open = group.map((part) => ({ ...part, provenIf: `${part.index} NOT IN (${SETTLED})` }))
  const rules = group.map(({ index }) => index)
  const unless = `SELECT count(*) = ${rules.length} FROM (${SETTLED}) WHERE rule_index IN (${rules.join(', ')})`
  return { ...statementWithFallback(open), unless, onlyIf: 'the figures above do not settle it' }
}

/** PASS, FAIL and ERROR combine as true, false and NULL do. All metrics and messages of the parts are kept. */
function compositeStatements(composites: readonly NumberedComposite[]): QualityStatement[] {
  return composites.map(({ index, truth, parts }) => {
    const truths = `SELECT map_from_entries(list((rule_index, CASE result WHEN 'PASS' THEN true WHEN 'FAIL' THEN false END))) AS truth, coalesce('{' || nullif(string_agg(metrics[2:-2], ',' ORDER BY rule_index) FILTER (WHERE metrics <> '{}'), '') || '}', '{}') AS metrics, string_agg(message, chr(10) ORDER BY rule_index) AS message FROM sluice_verdicts WHERE rule_index IN (${parts.join(', ')})`
    return {
      sql: `INSERT INTO sluice_verdicts SELECT ${index}, CASE WHEN ${truth} THEN 'PASS' WHEN NOT ${truth} THEN 'FAIL' ELSE 'ERROR' END, metrics, message, NULL FROM (${truths})`,
      rules: [index],
      parts,
    }
  })
}
