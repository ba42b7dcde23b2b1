import type { Rule } from '../ast.ts'
import { parseRuleset } from '../parse.ts'
import { formsOf, type ParameterKind, type RuleForm } from '../rule-types.ts'
import { wordsOf } from '../words.ts'

const CONDITIONS = {
  number: '> 0',
  text: '= "x"',
  date: '> "2031-05-06"',
  duration: '< 1 days',
  size: '> 1 KB',
} as const
const PLACEHOLDERS: Readonly<Record<ParameterKind, string>> = {
  column: 'column',
  columns: 'columns',
  alias: 'alias',
  pattern: 'pattern',
  sql: 'select …',
  aggregate: 'sum(column)',
  metric: 'metric',
  path: 's3://…',
  reference: 'alias.column',
}

/** The parameters that a rule must have, by what they name. */
export const requiredParameters = ({ minParameters, parameters }: RuleForm): readonly ParameterKind[] =>
  Array.from({ length: minParameters }, (_, index) => parameters[index] ?? parameters.at(-1) ?? 'column')

export const placeholderOf = (kind: ParameterKind): string => PLACEHOLDERS[kind]

/** A condition as an example of what a rule type takes; empty for types that take none. */
export const exampleCondition = ({ type, conditions }: RuleForm): string => {
  const [first] = type === 'ColumnDataType' ? [] : conditions
  if (type === 'ColumnDataType') return '= "Date"'
  if (type === 'ColumnValues') return '> 0'
  return first === undefined ? '' : CONDITIONS[first]
}

const exampleOf = (form: RuleForm): string => {
  const parameters = requiredParameters(form).map((kind) => `"${placeholderOf(kind)}"`)
  return [form.type, ...parameters, exampleCondition(form)].join(' ').trim()
}

const isRule = (value: unknown): value is Rule =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'rule'

/** What a rule type checks, in plain words, by an example of it; `null` for an unknown one and for analyzers. */
export function docsOf(
  type: string,
): { readonly example: string; readonly checks: string; readonly nulls: string } | null {
  const [form] = formsOf(type)
  if (form === undefined || form.analyzerOnly) return null
  const example = exampleOf(form)
  const [rule] = parseRuleset(`Rules = [ ${example} ]`).ruleset.rules
  return isRule(rule) ? { example, ...wordsOf(rule) } : null
}

/** What each form of a rule type takes: `column, column… · number condition · where · threshold`. */
export function formText(form: RuleForm): string {
  const { minParameters, maxParameters, parameters, conditions, conditionOptional, where, threshold } = form
  const names = requiredParameters(form).map(placeholderOf)
  const more = maxParameters > minParameters ? [`${parameters.at(-1) ?? 'column'}…`] : []
  const kinds = conditions.map((kind) => (kind === 'text' ? 'text' : kind)).join(', ')
  return [
    [...names, ...more].join(', '),
    conditions.length === 0 ? 'no condition' : `${kinds} condition${conditionOptional ? ' or none' : ''}`,
    where ? 'where' : '',
    threshold ? 'threshold' : '',
  ]
    .filter((part) => part !== '')
    .join(' · ')
}

/** What words of conditions mean that are easily misread. */
export const WORD_DOCS: Readonly<Record<string, string>> = {
  between: 'Both bounds are excluded; `not between` includes them.',
  matches: 'The whole value must match (RE2 here, Java on AWS). NULL breaks it.',
  in: 'One of a list, or of the texts of a variable (`in $name`).',
  where: 'Only rows for which the Spark SQL predicate is true count.',
  labels:
    '`severity`=`gate` (the default) stops a load, `warn` only reports. `cadence`=`daily` judges a rule in the first run of a day only.',
  threshold: 'The share of rows, 0 to 1, that must meet the condition; without it all must.',
  with: 'A tag: `threshold`, `timeZone`, `format` and others, behind where and labels.',
  last: '`last(k)`: values of the k runs before, newest first; without history 0.0.',
  EMPTY: 'The empty text.',
  WHITESPACES_ONLY: 'A text of nothing but white space, at least one.',
  NULL: 'No value.',
  'now()': 'The moment of evaluation in UTC, without seconds.',
}
