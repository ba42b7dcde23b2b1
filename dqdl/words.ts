import type { Condition, Rule } from './ast.ts'
import { isDynamic } from './operands.ts'
import { printCondition, printNumber } from './print.ts'

/** What a rule checks and what NULL does to it, as sentences. */
export interface RuleWords {
  readonly checks: string
  readonly nulls: string
}

const OPERATORS: Readonly<Record<string, string>> = {
  '>': 'above',
  '>=': 'at least',
  '<': 'below',
  '<=': 'at most',
  '=': 'equal to',
  '!=': 'other than',
  in: 'one of',
  'not in': 'none of',
}

/** A condition behind "is": `above 5`, `between 1 and 4 (both excluded)`. */
export function conditionWords(condition: Condition): string {
  const { operator } = condition
  const operands = printCondition(condition).slice(operator.length).trim()
  if (operator === 'between') return `between ${operands} (both excluded)`
  if (operator === 'not between') return `outside of ${operands} (a bound itself is outside)`
  if (operator === 'matches') return `matched as a whole by the pattern ${operands}`
  if (operator === 'not matches') return `not matched as a whole by the pattern ${operands}`
  return `${OPERATORS[operator] ?? operator} ${operands}`
}

const namesOf = (rule: Rule): readonly string[] => rule.parameters.map(({ text }) => text)
const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`

const LEFT_OUT = 'Rows in which it is NULL are left out; if no other row is left, the rule fails.'
const NOT_LOOKED_AT = 'It looks at no values.'

type Describe = (rule: Rule, names: readonly string[], wanted: string) => RuleWords

/** A figure of one column that leaves NULL out. */
const figure =
  (what: string): Describe =>
  (_rule, names, wanted) => ({ checks: `The ${what} of ${listed(names)} is ${wanted}.`, nulls: LEFT_OUT })

const hasNull = ({ condition }: Rule): boolean =>
  condition !== null && 'operands' in condition && condition.operands.some((operand) => printed(operand) === 'NULL')
const printed = (operand: Condition['operands'][number]): string => {
  if (!('kind' in operand)) return ''
  if (operand.kind === 'keyword') return operand.keyword
  return operand.kind === 'null' ? printNumber({ kind: 'null' }) : ''
}

/** What NULL does to a rule about single values. */
function nullsOfValues(rule: Rule): string {
  const operator = rule.condition?.operator ?? ''
  const negated = operator === '!=' || operator === 'not in'
  if (hasNull(rule))
    return negated ? 'A row with NULL breaks it: the condition names NULL.' : 'A row with NULL meets it.'
  return negated ? 'A row with NULL meets it: NULL is none of the values.' : 'A row with NULL breaks it.'
}

const share = ({ threshold }: Rule, rows: string): string =>
  threshold === null ? `Every ${rows}` : `A share ${conditionWords(threshold)} of the ${rows}s`

const WORDS: Readonly<Record<string, Describe>> = {
  RowCount: (_rule, _names, wanted) => ({ checks: `The number of rows is ${wanted}.`, nulls: NOT_LOOKED_AT }),
  RowCountMatch: (_rule, [alias], wanted) => ({
    checks: `The number of rows, divided by that of ${alias}, is ${wanted}.`,
    nulls: NOT_LOOKED_AT,
  }),
  ColumnCount: (_rule, _names, wanted) => ({ checks: `The number of columns is ${wanted}.`, nulls: NOT_LOOKED_AT }),
  ColumnExists: (_rule, [column]) => ({ checks: `There is a column named exactly ${column}.`, nulls: NOT_LOOKED_AT }),
  ColumnNamesMatchPattern: (_rule, [pattern]) => ({
    checks: `Every column name contains a match of the pattern ${pattern}.`,
    nulls: NOT_LOOKED_AT,
  }),
  Completeness: (_rule, [column], wanted) => ({
    checks: `The share of rows in which ${column} has a value is ${wanted}.`,
    nulls: 'NULL is what it counts as missing; empty texts and NaN are values.',
  }),
  IsComplete: (_rule, [column]) => ({
    checks: `Every row has a value in ${column}.`,
    nulls: 'One NULL breaks it; empty texts and NaN are values.',
  }),
  Uniqueness: (_rule, names, wanted) => ({
    checks: `The share of rows whose ${listed(names)} occurs only once is ${wanted}.`,
    nulls: names.length > 1 ? 'Rows in which all of them are NULL are left out; else NULL equals NULL.' : LEFT_OUT,
  }),
  IsUnique: (_rule, names) => ({
    checks: `No two rows have the same ${listed(names)}.`,
    nulls:
      names.length > 1
        ? 'Rows in which all of them are NULL are left out; else NULL equals NULL.'
        : 'Rows in which it is NULL are left out: any number of them may be there.',
  }),
  UniqueValueRatio: (_rule, [column], wanted) => ({
    checks: `The share of distinct values of ${column} that occur only once is ${wanted}.`,
    nulls: LEFT_OUT,
  }),
  DistinctValuesCount: (_rule, [column], wanted) => ({
    checks: `The number of distinct values of ${column} is ${wanted}.`,
    nulls: 'NULL counts as one more value.',
  }),
  IsPrimaryKey: (_rule, names) => ({
    checks: `Every row has ${listed(names)}, and no two rows have the same.`,
    nulls: 'One NULL breaks it.',
  }),
  Mean: figure('mean'),
  Sum: figure('sum'),
  StandardDeviation: figure('standard deviation (of the population)'),
  Variance: figure('variance (of the population)'),
  Entropy: figure('entropy (natural logarithm)'),
  ColumnCorrelation: (_rule, names, wanted) => ({
    checks: `The correlation (Pearson) of ${listed(names)} is ${wanted}.`,
    nulls: 'Rows in which one of them is NULL are left out.',
  }),
  ColumnLength: (_rule, [column], wanted) => ({
    checks: `In every row, the number of characters of ${column} is ${wanted}.`,
    nulls: 'NULL counts as a text of length 0.',
  }),
  ColumnValues: (rule, [column], wanted) => ({
    checks: `${share(rule, 'row')} has a value of ${column} that is ${wanted}.`,
    nulls: nullsOfValues(rule),
  }),
  ColumnDataType: (rule, [column]) => ({
    checks: `${share(rule, 'row')} has a value of ${column} that can${rule.condition?.operator === '!=' ? 'not' : ''} be cast to ${rule.condition === null ? '' : printCondition(rule.condition).replace(/^!?= /, '')}.`,
    nulls: rule.condition?.operator === '!=' ? 'A row with NULL meets it.' : 'A row with NULL breaks it.',
  }),
  DataFreshness: (_rule, [column], wanted) => ({
    checks: `In every row, the age of ${column} is ${wanted}.`,
    nulls: 'A row with NULL breaks it.',
  }),
  CustomSql: (rule, _names, wanted) =>
    rule.condition === null
      ? {
          checks: `${share(rule, 'row')} is among those that the statement returns, compared by the columns it returns.`,
          nulls: 'NULL equals NULL.',
        }
      : { checks: `The one value that the statement returns is ${wanted}.`, nulls: 'A NULL result counts as 0.' },
  ReferentialIntegrity: (_rule, [columns, reference], wanted) => ({
    checks: `The share of rows whose ${columns} exists in ${reference} is ${wanted}.`,
    nulls: 'A row with NULL has no counterpart.',
  }),
  DatasetMatch: (_rule, [alias, keys, others], wanted) => ({
    checks: `The share of rows that ${alias} has with the same ${keys} and equal ${others ?? 'other columns'} is ${wanted}; keys occur once on both sides.`,
    nulls: 'A NULL key has no counterpart; in the other columns NULL equals NULL.',
  }),
  SchemaMatch: (_rule, [alias], wanted) => ({
    checks: `The share of columns that ${alias} has with the same name and type is ${wanted}; a different number of columns fails.`,
    nulls: NOT_LOOKED_AT,
  }),
  AggregateMatch: (_rule, [one, other], wanted) => ({
    checks: `${one}, divided by ${other}, is ${wanted}.`,
    nulls: 'NULL is left out; an aggregate over nothing counts as 0.',
  }),
}

/** What a condition with functions means. */
const EARLIER_RUNS =
  ' last(k) is the figure in the last k runs before this one, newest first; where there are none it is 0, as in the SQL shown.'
const looksBack = ({ condition, threshold }: Rule): boolean =>
  [condition, threshold].some((each) => each?.kind === 'number' && isDynamic(each))

/** In plain words. A type that cannot be evaluated here says so. */
export function wordsOf(rule: Rule): RuleWords {
  const describe = WORDS[rule.type]
  if (describe === undefined)
    return { checks: `${rule.type} cannot be evaluated here: the rule is always ERROR.`, nulls: NOT_LOOKED_AT }
  const { checks, nulls } = describe(rule, namesOf(rule), rule.condition === null ? '' : conditionWords(rule.condition))
  const scope = ` Only rows for which ${rule.where} is true count; if there are none, ${rule.type === 'RowCount' || rule.type === 'DistinctValuesCount' ? 'the number is 0' : rule.type === 'UniqueValueRatio' ? 'it fails' : 'it passes'}.`
  const earlier = looksBack(rule) ? EARLIER_RUNS : ''
  return { checks: `${checks}${rule.where === null ? '' : scope}${earlier}`, nulls }
}
