import { leavesOf, type Rule } from '../../dqdl/ast.ts'
import { printRule } from '../../dqdl/print.ts'
import type { Compared } from './compare.ts'
import type { TestColumn, TestTable } from './tables.ts'

interface Difference {
  /** First cell of a row in dqdl/differences.md. */
  readonly subject: string
  /** True for rules over data in which the engines are known to differ. */
  readonly touches: (rule: Rule, table: TestTable, compared: Compared) => boolean
}

const columnOf = (rule: Rule, table: TestTable): TestColumn | undefined => {
  const name = rule.parameters[0]?.text.replace(/^`(.*)`$/, '$1')
  return table.columns.find((column) => column.name === name)
}
const holdsNull = (rule: Rule, table: TestTable): boolean => columnOf(rule, table)?.values.includes('NULL') === true
const holds = (rule: Rule, table: TestTable, wanted: (value: string) => boolean): boolean =>
  columnOf(rule, table)?.values.some(wanted) === true
const textOf = (rule: Rule): string => rule.parameters.map(({ text }) => text).join(' ')
const operatorOf = ({ condition }: Rule): string => condition?.operator ?? ''
const hasKeyword = ({ condition }: Rule, ...keywords: readonly string[]): boolean =>
  condition?.kind === 'text' &&
  condition.operands.some((operand) => operand.kind === 'keyword' && keywords.includes(operand.keyword))
const isNegated = (rule: Rule): boolean => operatorOf(rule) === '!=' || operatorOf(rule).startsWith('not ')
const hasApostrophe = ({ condition }: Rule): boolean =>
  condition?.kind === 'text' &&
  condition.operands.some((operand) => operand.kind === 'text' && operand.value.includes("'"))

/** Where the engines differ on purpose; the reasons stand in dqdl/differences.md. */
export const DIFFERENCES: readonly Difference[] = [
  {
    subject: 'threshold of ColumnValues on numbers and texts ✓',
    touches: (rule) => rule.type === 'ColumnValues' && rule.threshold !== null && rule.condition?.kind !== 'date',
  },
  {
    subject: '`not between` dates and NULL',
    touches: (rule, table) =>
      operatorOf(rule) === 'not between' &&
      (rule.condition?.kind === 'date' || rule.condition?.kind === 'duration') &&
      (holdsNull(rule, table) || columnOf(rule, table)?.kind === 'date_text'),
  },
  {
    subject: '`!= EMPTY` and the like and NULL ✓',
    touches: (rule, table) =>
      isNegated(rule) && hasKeyword(rule, 'EMPTY', 'WHITESPACES_ONLY') && holdsNull(rule, table),
  },
  { subject: '`not matches` ✓', touches: (rule) => operatorOf(rule) === 'not matches' },
  {
    subject: 'empty text and `matches ".*"`',
    touches: (rule, table) => operatorOf(rule) === 'matches' && holds(rule, table, (value) => value === "''"),
  },
  {
    subject: 'ColumnLength and NULL ✓',
    touches: (rule, table) => rule.type === 'ColumnLength' && holdsNull(rule, table),
  },
  {
    subject: 'ColumnLength `!=` ✓',
    touches: (rule) => rule.type === 'ColumnLength' && operatorOf(rule) === '!=',
  },
  {
    subject: 'ColumnLength with 0 among the operands of `not in` and `not between`',
    touches: (rule) => rule.type === 'ColumnLength' && operatorOf(rule).startsWith('not '),
  },
  {
    subject: 'where, and a condition that is NULL for every row left',
    touches: (rule, _table, { reference }) =>
      rule.type === 'ColumnValues' && rule.where !== null && Object.keys(reference.metrics).length === 0,
  },
  {
    subject: 'ColumnDataType `DECIMAL(p,s)` and digits of other scripts',
    touches: (rule, table) =>
      rule.type === 'ColumnDataType' &&
      /"decimal/i.test(printRule(rule)) &&
      holds(rule, table, (value) => value === "'١٢'"),
  },
  {
    subject: 'whole numbers that overflow in where clauses and CustomSql',
    touches: (_rule, _table, { own }) => own.EvaluationMessage?.includes('Out of Range Error') === true,
  },
  {
    subject: 'Sum and Mean of whole numbers beyond 64 bits',
    touches: (rule, table) =>
      (rule.type === 'Sum' || rule.type === 'Mean') &&
      columnOf(rule, table)?.kind === 'integer' &&
      holds(rule, table, (value) => /^-?\d{18,}$/.test(value)),
  },
  {
    subject: 'ColumnDataType that no cast can meet, over no row',
    touches: (rule, table) => rule.type === 'ColumnDataType' && (table.columns[0]?.values.length ?? 0) === 0,
  },
  {
    subject: 'IsPrimaryKey of several columns ✓',
    touches: (rule) => rule.type === 'IsPrimaryKey' && rule.parameters.length > 1,
  },
  { subject: 'text operands with an apostrophe ✓', touches: hasApostrophe },
  {
    subject: 'where clauses that are NULL for a row ✓',
    touches: (rule) => rule.where !== null && (rule.type === 'ColumnDataType' || rule.type === 'DataFreshness'),
  },
  {
    subject: 'CustomSql without condition and duplicate rows ✓',
    touches: (rule, _table, { reference }) =>
      rule.type === 'CustomSql' &&
      rule.condition === null &&
      Object.values(reference.metrics).some((share) => Number(share) > 1),
  },
  {
    subject: 'CustomSql that returns a column with a dot in its name',
    touches: (rule) => rule.type === 'CustomSql' && rule.condition === null && /`[^`]*\.[^`]*`/.test(textOf(rule)),
  },
]

/** The subject in dqdl/differences.md under which a difference stands, or `null`. */
export const differenceOf = (compared: Compared): string | null => {
  const leaves = leavesOf(compared.rule)
  const found = DIFFERENCES.find(({ touches }) => leaves.some((rule) => touches(rule, compared.table, compared)))
  return found?.subject ?? null
}
