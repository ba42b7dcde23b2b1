/**
 * What the open executor makes of the few rules that Sluice reads otherwise, as SQL of DuckDB over `sluice_data`. A known
 * difference is accepted only where the reference's verdict is the one that this predicts.
 */
import type { DateCondition, NumberCondition, Rule, TextCondition } from '../../dqdl/ast.ts'
import { numberHolds } from '../../dqdl/conditions.ts'
import { evaluateDay, evaluateNumber } from '../../dqdl/operands.ts'
import { datePredicate } from '../../dqdl/row-predicates.ts'
import { literal, type TypeFamily } from '../../dqdl/sql.ts'
import { dateOfText } from '../../dqdl/text-times.ts'

/** A rule over one column, in the words of DuckDB. */
export interface LeafContext {
  /** The column's quoted name. */
  readonly column: string
  readonly family: TypeFamily
  /** The where clause; `null` without one. */
  readonly scope: string | null
  readonly now: Date
}

const from = ({ scope }: LeafContext): string => `FROM sluice_data${scope === null ? '' : ` WHERE ${scope}`}`
/** Without any value the reference passes a rule that has a where clause and fails one that has none. */
const ofNothing = ({ scope }: LeafContext): string => String(scope !== null)

/** Every row must meet the predicate. One that is NULL counts as a row and not as a met one. */
const shareIsOne = (predicate: string, context: LeafContext): string => shareHolds(predicate, context, null)

/** The same for a share that meets a threshold. */
function shareHolds(predicate: string, context: LeafContext, threshold: NumberCondition | null): string {
  const share = 'sum(p)::DOUBLE / count(*)'
  const operands = threshold?.operands.map((operand) => evaluateNumber(operand, [])) ?? [1]
  const holds = numberHolds(`(${share})`, threshold?.operator ?? '=', operands)
  return `SELECT CASE WHEN sum(p) IS NULL THEN ${ofNothing(context)} ELSE ${holds} END AS v FROM (SELECT (${predicate})::INTEGER AS p ${from(context)})`
}

/** Texts with an apostrophe reach Spark in a form that equals nothing. */
const comparable = ({ operands }: TextCondition): readonly string[] =>
  operands.flatMap((operand) => (operand.kind === 'text' && !operand.value.includes("'") ? [operand.value] : []))

/** EMPTY and WHITESPACES_ONLY are NULL for NULL; only blanks are white space; a threshold has no effect. */
export function textMeaning(condition: TextCondition, context: LeafContext): string {
  const { column } = context
  const value = context.family === 'text' ? column : `CAST(${column} AS VARCHAR)`
  const keywords = condition.operands.flatMap((operand) => (operand.kind === 'keyword' ? [operand.keyword] : []))
  const negated = condition.operator === '!=' || condition.operator === 'not in'
  const texts = comparable(condition)
  const hasTexts = condition.operands.some(({ kind }) => kind === 'text')
  const among = texts.length === 0 ? 'false' : `${value} IN (${texts.map(literal).join(', ')})`
  const parts: string[] = []
  if (keywords.includes('NULL')) parts.push(`${column} IS ${negated ? 'NOT ' : ''}NULL`)
  if (keywords.includes('EMPTY')) parts.push(`${value} ${negated ? '<>' : '='} ''`)
  if (keywords.includes('WHITESPACES_ONLY'))
    parts.push(
      negated
        ? `(length(trim(${value})) > 0 OR length(${value}) = 0)`
        : `(length(trim(${value})) = 0 AND length(${value}) > 0)`,
    )
  if (hasTexts) parts.push(negated ? `(${column} IS NULL OR NOT (${among}))` : `(${column} IS NOT NULL AND ${among})`)
  return shareIsOne(parts.join(negated ? ' AND ' : ' OR '), context)
}

const WORD = String.raw`[\p{L}\p{N}_]`
const BOUNDARY = `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`

/** The pattern between anchors without a group; a match of no character is none. */
export function patternMatches(operator: 'matches' | 'not matches', pattern: string, value: string): boolean {
  const ignoreCase = pattern.startsWith('(?i)')
  const plain = ignoreCase ? pattern.slice(4) : pattern
  const text = operator === 'matches' ? `^${plain}$` : `^(?!${BOUNDARY}${plain}${BOUNDARY}).*$`
  const [found = ''] = new RegExp(text, ignoreCase ? 'iu' : 'u').exec(value) ?? []
  return found !== ''
}

/** The values that a pattern is held against. */
export const patternValues = (context: LeafContext): string => `SELECT ${context.column} AS v ${from(context)}`

const dayIn = ({ column, family }: LeafContext): string =>
  family === 'text' ? `(${dateOfText(column)})` : `CAST(${column} AS DATE)`

/** `not between` lets NULL pass; what is no day is neither met nor not met. */
export function dateMeaning(rule: Rule, condition: DateCondition, context: LeafContext): string {
  const predicate = datePredicate({ sql: context.column, family: context.family }, condition, context.now, rule.tags)
  const dated = condition.operands.every((operand) => evaluateDay(operand, context.now, rule.tags) !== null)
  const met = condition.operator === 'not between' && dated ? `(${context.column} IS NULL OR ${predicate})` : predicate
  return shareHolds(
    dated ? `CASE WHEN ${met} OR ${dayIn(context)} IS NOT NULL THEN ${met} END` : met,
    context,
    rule.threshold,
  )
}

/** Bounds are held against minimum and maximum alone; NULL has no length, but where 0 stands in a list it has odd effects. */
export function lengthMeaning({ operator, operands }: NumberCondition, context: LeafContext): string {
  const { column } = context
  const values = operands.map((operand) => evaluateNumber(operand, []))
  const length = `length(${column})::DOUBLE`
  const holds = (value: string): string => numberHolds(value, operator, values)
  const zero = values.includes(0)
  if (operator === 'in')
    return shareIsOne(
      zero ? `${column} IS NULL OR ${holds(length)}` : `${column} IS NOT NULL AND ${holds(length)}`,
      context,
    )
  if (operator === 'not in' || operator === 'not between')
    return shareIsOne(`${column} IS ${zero ? 'NOT ' : ''}NULL OR ${holds(length)}`, context)
  const least = `min(${length})`
  const most = `max(${length})`
  const held: Readonly<Record<string, string>> = {
    '>': holds(least),
    '>=': holds(least),
    '<': holds(most),
    '<=': holds(most),
  }
  return `SELECT CASE WHEN ${least} IS NULL THEN ${ofNothing(context)} ELSE ${held[operator] ?? `${holds(least)} AND ${holds(most)}`} END AS v ${from(context)}`
}
