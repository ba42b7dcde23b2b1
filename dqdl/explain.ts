import { SluiceError } from '../core/errors.ts'
import { type Composite, leavesOf, type Rule, type Ruleset } from './ast.ts'
import { compileRule, surroundingsOf } from './compile.ts'
import { MeasureNames, Measures, sourcesOf } from './compiled-rule.ts'
import { parseRuleset } from './parse.ts'
import { printRule } from './print.ts'
import type { QualityColumn } from './quality-plan.ts'
import { translateRuleset } from './spark-sql.ts'
import { identifier } from './sql.ts'
import type { SqlTranslations } from './sql-translation.ts'
import { wordsOf } from './words.ts'

export interface RuleExplanation {
  /** Canonical text. */
  readonly rule: string
  readonly checks: string
  readonly nulls: string
  /** Names under which results report its figures. */
  readonly metrics: readonly string[]
  /** DuckDB: one row with a column for each metric and `passes`, over a table `sluice_data`. `null`: see `note`. */
  readonly sql: string | null
  /** Why there is no SQL: the rule is decided before a row is read, or cannot be evaluated. */
  readonly note: string | null
}
export interface Explanation {
  readonly rule: string
  /** How the parts decide; `null` for a rule that is none. */
  readonly combines: string | null
  readonly parts: readonly RuleExplanation[]
}

const NUMERIC_TYPES = ['Mean', 'Sum', 'StandardDeviation', 'Variance', 'Entropy', 'ColumnCorrelation', 'AggregateMatch']
/** Column names in a parameter of a rule about two data sources, on its side. */
const columnsIn = (text: string, side: 0 | 1): readonly string[] =>
  text
    .replace(
      /^.*\.\{(.*)\}$|^(?:sum|avg|SUM|AVG)\((.*)\)$/s,
      (_all, braces?: string, inner?: string) => braces ?? inner ?? '',
    )
    .split(',')
    .map((entry) => (entry.split('->')[side] ?? entry.split('->')[0] ?? '').trim().replace(/^.*\./s, ''))

function typeFor({ type, condition }: Rule): string {
  if (NUMERIC_TYPES.includes(type)) return 'DOUBLE'
  if (type === 'DataFreshness' || condition?.kind === 'date') return 'TIMESTAMP'
  return type === 'ColumnValues' && condition?.kind === 'number' ? 'DOUBLE' : 'VARCHAR'
}

/** Columns of the types that the rule suits, where no contract tells them. */
function assumedColumns(rule: Rule, translations: SqlTranslations): readonly QualityColumn[] {
  const [first = '', second = ''] = rule.parameters.map(({ text }) => text)
  const names: Readonly<Record<string, readonly string[]>> = {
    ReferentialIntegrity: columnsIn(first, 0),
    AggregateMatch: [...columnsIn(first, 0), ...columnsIn(second, 0)],
    DatasetMatch: rule.parameters.slice(1).flatMap(({ text }) => columnsIn(text, 0)),
    CustomSql: (translations[first]?.outputs ?? []).filter((name) => name !== null),
    RowCountMatch: [],
    SchemaMatch: [],
  }
  const own = names[rule.type] ?? rule.parameters.map(({ text }) => text.replace(/^`(.*)`$/s, '$1'))
  return [...new Set(own)].map((name) => ({ name, duckdbType: typeFor(rule) }))
}

/** The other data sources that a rule names, with the columns it needs of them. */
function assumedReferences(
  rule: Rule,
  columns: readonly QualityColumn[],
): ReadonlyMap<string, readonly QualityColumn[]> {
  const texts = rule.parameters.map(({ text }) => text)
  const [first = '', second = ''] = texts
  const known = (names: readonly string[]): readonly QualityColumn[] => [
    ...columns,
    ...names
      .filter((name) => columns.every((column) => column.name !== name))
      .map((name) => ({ name, duckdbType: columns[0]?.duckdbType ?? 'VARCHAR' })),
  ]
  if (rule.type === 'ReferentialIntegrity')
    return new Map([[second.replace(/\.(?:\{.*\}|[^.]*)$/s, ''), known(columnsIn(second, 1))]])
  if (rule.type === 'DatasetMatch')
    return new Map([[first, known(texts.slice(1).flatMap((text) => columnsIn(text, 1)))]])
  if (rule.type === 'RowCountMatch' || rule.type === 'SchemaMatch') return new Map([[first, columns]])
  const aliases = texts.map((text) => /^[a-zA-Z]+\((.*)\.[^.]+\)$/s.exec(text)?.[1] ?? 'primary')
  return new Map(aliases.map((alias, index) => [alias, known(columnsIn(texts[index] ?? '', 0))]))
}

function explainLeaf(
  rule: Rule,
  columns: readonly QualityColumn[] | null,
  translations: SqlTranslations,
  now: Date,
): RuleExplanation {
  const own = columns ?? assumedColumns(rule, translations)
  const measures = new Measures(new MeasureNames())
  const references = assumedReferences(rule, own)
  const compiled = compileRule(rule, measures, surroundingsOf(own, { now, translations, references }))
  const words = { rule: printRule(rule), ...wordsOf(rule) }
  if (compiled.kind === 'settled') {
    const metrics = Object.keys(compiled.metrics)
    const decided = metrics.length > 0 || compiled.result === 'PASS'
    return {
      ...words,
      metrics,
      sql: null,
      note: decided ? 'The names of the columns decide it; no row is read.' : compiled.message,
    }
  }
  const sources = sourcesOf([measures])
  const passes = compiled.checks.map(({ failure }) => `(${failure}) IS NULL`).join(' AND ')
  const selected = compiled.metrics.map(({ name, sql }) => `${sql} AS ${identifier(name)}`)
  return {
    ...words,
    metrics: compiled.metrics.map(({ name }) => name),
    sql: `${sources.with} SELECT ${[...selected, `${passes} AS passes`].join(', ')}${sources.from}`.trim(),
    note: null,
  }
}

const combines = ({ operator, parts }: Composite): string =>
  operator === 'and'
    ? `It passes when all ${parts.length} parts pass, each over the whole data.`
    : `It passes when one of ${parts.length} parts passes over the whole data; rows are not looked at one by one.`

/** Places count from the start of the rule. @throws SluiceError `ruleset_invalid` */
function rulesetOf(text: string): Ruleset {
  const { ruleset, problems } = parseRuleset(`Rules = [\n${text}\n]`)
  const [problem] = problems
  if (problem === undefined) return ruleset
  const { line, column } = problem.at
  const isEnd = line - 2 >= text.split('\n').length
  const where = { line: line - 1, column }
  const message = isEnd ? 'Cannot read rule: it ends too early' : `Cannot read rule: ${problem.message}`
  const hint = problem.hint === null ? {} : { hint: problem.hint }
  throw new SluiceError('ruleset_invalid', message, isEnd ? {} : { where, ...hint })
}

/**
 * Explains one rule.
 * @param text the rule, as it stands in a list of rules
 * @param columns of the data; `null`: columns of the types that suit the rule are assumed
 * @param now what `now()` means in the SQL
 * @throws SluiceError `ruleset_invalid`, `one_rule_expected`
 */
export async function explainRule(
  text: string,
  columns: readonly QualityColumn[] | null,
  now: Date,
): Promise<Explanation> {
  const ruleset = rulesetOf(text)
  const [rule, second] = ruleset.rules
  if (rule === undefined || second !== undefined)
    throw new SluiceError('one_rule_expected', `Cannot explain ${ruleset.rules.length} rules at once: give one`)
  const translations = await translateRuleset(ruleset, columns === null ? [] : [columns])
  return {
    rule: printRule(rule),
    combines: rule.kind === 'composite' ? combines(rule) : null,
    parts: leavesOf(rule).map((leaf) => explainLeaf(leaf, columns, translations, now)),
  }
}

/** For people. */
export const printExplanation = ({ rule, combines: how, parts }: Explanation): string =>
  [
    rule,
    ...(how === null ? [] : [how]),
    ...parts.map((part) =>
      [
        ...(how === null ? [] : ['', part.rule]),
        `  checks   ${part.checks}`,
        `  NULL     ${part.nulls}`,
        `  metric   ${part.metrics.length === 0 ? 'none' : part.metrics.join(', ')}`,
        part.sql === null ? `  SQL      none: ${part.note}` : `  SQL      ${part.sql}`,
      ].join('\n'),
    ),
  ].join('\n')
