import type { Rule } from '../../dqdl/ast.ts'
import { evaluateNumber } from '../../dqdl/operands.ts'
import { literal } from '../../dqdl/sql.ts'
import type { Compared } from './compare.ts'
import { dateMeaning, type LeafContext, lengthMeaning, textMeaning } from './reference-meaning.ts'

/** The rule that differs, and what both engines say of the whole it is a part of. */
export interface Leaf {
  readonly rule: Rule
  readonly context: LeafContext
  readonly compared: Compared
}

/**
 * Why a difference is accepted.
 * `meaning`: SQL of the verdict that the reference must have given; `onlyIf`: predicate that a row in scope must meet, as
 * otherwise both engines mean the same. `pattern`: the same, by the patterns of
 * reference-meaning.ts. `rule`: the rule whose verdict here it is. `condition`: SQL that must be true of the data; then the rule says nothing about the reference.
 */
export type Reason =
  | { readonly kind: 'meaning'; readonly sql: string; readonly onlyIf: string | null }
  | { readonly kind: 'pattern'; readonly operator: 'matches' | 'not matches'; readonly pattern: string }
  | { readonly kind: 'condition'; readonly sql: string }
  | { readonly kind: 'rule'; readonly rule: Rule }

interface Difference {
  /** First cell of a row in dqdl/differences.md. */
  readonly subject: string
  /** `null` for rules that the difference does not touch. */
  readonly reasonFor: (leaf: Leaf) => Reason | null
}

const operatorOf = ({ condition }: Rule): string => condition?.operator ?? ''
const isNegated = (rule: Rule): boolean => operatorOf(rule) === '!=' || operatorOf(rule).startsWith('not ')
const hasKeyword = ({ condition }: Rule, ...keywords: readonly string[]): boolean =>
  condition?.kind === 'text' &&
  condition.operands.some((operand) => operand.kind === 'keyword' && keywords.includes(operand.keyword))

const meaning = (sql: string, onlyIf: string | null = null): Reason => ({ kind: 'meaning', sql, onlyIf })
const isNull = ({ column }: LeafContext): string => `${column} IS NULL`
const condition = (sql: string): Reason => ({ kind: 'condition', sql })
const anyRow = (predicate: string): Reason => condition(`SELECT count(*) > 0 AS v FROM sluice_data WHERE ${predicate}`)
const ALWAYS = 'SELECT true AS v'

const textReason = (
  touches: (rule: Rule) => boolean,
  onlyIf: (context: LeafContext) => string,
): Difference['reasonFor'] => {
  return ({ rule, context }) =>
    rule.type === 'ColumnValues' && rule.condition?.kind === 'text' && !isPattern(rule) && touches(rule)
      ? meaning(textMeaning(rule.condition, context), onlyIf(context))
      : null
}
const isPattern = (rule: Rule): boolean => operatorOf(rule).endsWith('matches')
function patternReason({ rule }: Leaf, wanted: 'matches' | 'not matches'): Reason | null {
  if (rule.type !== 'ColumnValues' || operatorOf(rule) !== wanted || rule.condition?.kind !== 'text') return null
  const [operand] = rule.condition.operands
  return operand?.kind === 'text' ? { kind: 'pattern', operator: wanted, pattern: operand.value } : null
}

/** Rules that Spark refuses to analyse, and with them the others of their scan. */
const cannotBeAnalysed = ({ parameters, condition: wanted }: Rule, { family }: LeafContext): boolean =>
  (family === 'boolean' && wanted?.kind === 'text') || /^[^`]*\.[^`]*$/.test(parameters[0]?.text ?? '')

/** Whether a statement returns a column whose name holds a dot; one without alias is named by its whole expression. */
const returnsDotted = (statement: string, names: readonly string[]): boolean =>
  /^select\s[^']*?`[^`]*\.[^`]*`.*\sfrom\s/i.test(statement) ||
  (/^select\s+(?:\w+\.)?\*/i.test(statement) && names.some((name) => name.includes('.')))

/** Where the engines differ on purpose; the reasons stand in dqdl/differences.md. The first that holds is named. */
export const DIFFERENCES: readonly Difference[] = [
  {
    subject: 'whole numbers that overflow in where clauses and CustomSql',
    reasonFor: ({ compared }) =>
      compared.own.EvaluationMessage?.includes('Out of Range Error') === true ? condition(ALWAYS) : null,
  },
  {
    subject: 'decimals that overflow in where clauses and CustomSql',
    reasonFor: ({ compared }) =>
      /Casting value "\d{30,}|Overflow in|DECIMAL\(38/.test(compared.own.EvaluationMessage ?? '')
        ? condition(ALWAYS)
        : null,
  },
  {
    subject: '`not matches` ✓',
    reasonFor: (leaf) => patternReason(leaf, 'not matches'),
  },
  {
    subject: '`matches` with alternatives ✓',
    reasonFor: (leaf) => {
      const reason = patternReason(leaf, 'matches')
      return reason?.kind === 'pattern' && reason.pattern.includes('|') ? reason : null
    },
  },
  {
    subject: 'threshold of ColumnValues on numbers and texts ✓',
    reasonFor: (leaf) => {
      const { rule, context } = leaf
      if (rule.type !== 'ColumnValues' || rule.threshold === null) return null
      if (rule.condition?.kind === 'number') return { kind: 'rule', rule: { ...rule, threshold: null } }
      if (rule.condition?.kind !== 'text') return null
      return patternReason(leaf, 'matches') ?? meaning(textMeaning(rule.condition, context))
    },
  },
  {
    subject: '`not between` dates and NULL ✓',
    reasonFor: ({ rule, context }) =>
      rule.type === 'ColumnValues' && operatorOf(rule) === 'not between' && rule.condition?.kind === 'date'
        ? meaning(dateMeaning(rule, rule.condition, context), isNull(context))
        : null,
  },
  {
    subject: '`!= EMPTY` and the like and NULL ✓',
    reasonFor: textReason((rule) => isNegated(rule) && hasKeyword(rule, 'EMPTY', 'WHITESPACES_ONLY'), isNull),
  },
  {
    subject: 'text operands with an apostrophe ✓',
    reasonFor: textReason(
      (rule) =>
        rule.condition?.kind === 'text' &&
        rule.condition.operands.some((operand) => operand.kind === 'text' && operand.value.includes("'")),
      ({ column }) => `contains(${column}, '''')`,
    ),
  },
  {
    subject: 'white space (WHITESPACES_ONLY) ✓',
    reasonFor: textReason(
      (rule) => hasKeyword(rule, 'WHITESPACES_ONLY'),
      ({ column }) => `regexp_matches(${column}, '[\\t\\r\\n]')`,
    ),
  },
  {
    subject: 'where, and a condition that is NULL for every row left',
    reasonFor: textReason((rule) => rule.where !== null && hasKeyword(rule, 'EMPTY', 'WHITESPACES_ONLY'), isNull),
  },
  {
    subject: 'where, and a condition that is NULL for every row left',
    reasonFor: ({ rule, context }) =>
      rule.type === 'ColumnValues' && rule.where !== null && rule.condition?.kind === 'date'
        ? meaning(dateMeaning(rule, rule.condition, context))
        : null,
  },
  {
    subject: 'ColumnLength and NULL, `!=`, 0 in lists ✓',
    reasonFor: ({ rule, context }) => {
      if (rule.type !== 'ColumnLength' || rule.condition?.kind !== 'number') return null
      const { operator, operands } = rule.condition
      const oddLists = operator.startsWith('not ') && operands.some((operand) => evaluateNumber(operand, []) === 0)
      return meaning(lengthMeaning(rule.condition, context), operator === '!=' || oddLists ? null : isNull(context))
    },
  },
  {
    subject: 'IsPrimaryKey of several columns ✓',
    reasonFor: ({ rule, compared }) =>
      rule.type === 'IsPrimaryKey' && rule.parameters.length > 1 && compared.own.Result === 'FAIL'
        ? condition(
            `SELECT ${Object.entries(compared.own.EvaluatedMetrics).some(([name, value]) => name.endsWith('.Completeness') && Number(value) < 1)} AS v`,
          )
        : null,
  },
  {
    subject: 'ColumnDataType `DECIMAL(p,s)` and digits of other scripts',
    reasonFor: ({ rule, context }) =>
      rule.type === 'ColumnDataType' && rule.condition?.kind === 'text' && context.family === 'text'
        ? anyRow(
            `${literal(JSON.stringify(rule.condition.operands))} ILIKE '%decimal%' AND regexp_matches(${context.column}, '\\p{Nd}') AND NOT regexp_matches(${context.column}, '[0-9]')`,
          )
        : null,
  },
  {
    subject: 'dates that only the calendar before Spark 3 could read',
    reasonFor: ({ rule, compared }) =>
      rule.type === 'ColumnDataType' && compared.reference.reason?.includes('PARSE_DATETIME_BY_NEW_PARSER') === true
        ? condition(ALWAYS)
        : null,
  },
  {
    subject: 'Sum and Mean of whole numbers beyond 64 bits ✓',
    reasonFor: ({ rule, context }) =>
      (rule.type === 'Sum' || rule.type === 'Mean') && context.family === 'integer'
        ? condition(
            `SELECT abs(sum(${context.column}::DOUBLE)) > 9.2e18 AS v FROM sluice_data WHERE ${context.scope ?? true}`,
          )
        : null,
  },
  {
    subject: 'where clauses that are NULL for a row ✓',
    reasonFor: ({ rule, context }) =>
      context.scope !== null && (rule.type === 'ColumnDataType' || rule.type === 'DataFreshness')
        ? anyRow(`${context.scope} IS NULL`)
        : null,
  },
  {
    subject: 'CustomSql without condition and duplicate rows ✓',
    reasonFor: ({ rule, compared: { own, reference } }) => {
      const name = 'Dataset.*.CustomSQL.Compliance'
      const [here, there] = [own.EvaluatedMetrics[name], reference.metrics[name]]
      const multiplied = here !== undefined && there !== undefined && Number(there) > Number(here)
      return rule.type === 'CustomSql' && rule.condition === null && multiplied ? condition(ALWAYS) : null
    },
  },
  {
    subject: 'RowCount with where on an empty table, or a predicate that is NULL everywhere',
    reasonFor: ({ rule, context }) =>
      rule.type === 'RowCount' && context.scope !== null
        ? condition(`SELECT count(*) FILTER (WHERE ${context.scope} IS NOT NULL) = 0 AS v FROM sluice_data`)
        : null,
  },
  {
    subject: 'deviations of values whose squares no double holds ✓',
    reasonFor: ({ rule, context }) =>
      rule.type === 'StandardDeviation' && context.family === 'floating'
        ? anyRow(`isfinite(${context.column}) AND abs(${context.column}) >= 1e150`)
        : null,
  },
  {
    subject: 'a rule that cannot be evaluated ✓',
    reasonFor: ({ rule, context, compared: { rule: whole, reference } }) =>
      whole.kind === 'composite' && reference.reason?.includes('AnalysisException') === true
        ? condition(`SELECT ${cannotBeAnalysed(rule, context)} AS v`)
        : null,
  },
  {
    subject: 'CustomSql that returns a column with a dot in its name',
    reasonFor: ({ rule, compared }) =>
      rule.type === 'CustomSql' && !compared.reference.passed
        ? condition(
            `SELECT ${returnsDotted(
              rule.parameters[0]?.text ?? '',
              compared.table.columns.map(({ name }) => name),
            )} AS v`,
          )
        : null,
  },
]
