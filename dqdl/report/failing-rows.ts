import { leavesOf, type RuleExpression } from '../ast.ts'
import { surroundingsOf } from '../compile.ts'
import type { Evaluated } from '../evaluate.ts'
import type { QualityConnection } from '../execute.ts'
import { columnParameters } from '../lint/lint-columns.ts'
import { brokenBy } from '../row-failures.ts'
import { findColumn } from '../rules/support.ts'
import { identifier } from '../sql.ts'

/** The first rows that broke a rule, in the order of the data. */
export interface FailingRows {
  /** `Rule_1`, … */
  readonly name: string
  /** Columns that the rule names, then others, at most {@link MAX_COLUMNS}. */
  readonly columns: readonly string[]
  readonly rows: readonly {
    /** In the data, from 1. */
    readonly number: number
    /** `null` is NULL. */
    readonly values: readonly (string | null)[]
  }[]
}

const MAX_COLUMNS = 6
const MAX_RULES = 20

/** The columns of the data that a rule names, as the data spells them. */
export function columnsOfRule(rule: RuleExpression, { columns }: Pick<Evaluated, 'columns'>): readonly string[] {
  const named = leavesOf(rule).flatMap((leaf) => columnParameters(leaf).map(({ text }) => text))
  return [...new Set(named.flatMap((name) => findColumn(columns, name)?.name ?? []))]
}

async function rowsOf(
  sql: string,
  columns: readonly string[],
  most: number,
  connection: QualityConnection,
): Promise<FailingRows['rows']> {
  const values = columns.map((name, index) => `CAST(${identifier(name)} AS VARCHAR) AS v${index}`)
  // Windows break the order of rows; without one the first rows come first, and the engine stops after them.
  const order = / OVER \(/.test(sql) ? ' ORDER BY sluice_row' : ''
  const found = await connection.rows(
    `SELECT sluice_row, ${values.join(', ')} FROM (SELECT *, ${sql} AS sluice_broken FROM (SELECT row_number() OVER () AS sluice_row, * FROM sluice_data) AS sluice_data) WHERE sluice_broken${order} LIMIT ${most}`,
  )
  return found.map((row) => ({
    number: Number(row.sluice_row),
    values: columns.map((_, index) => (row[`v${index}`] == null ? null : String(row[`v${index}`]))),
  }))
}

/**
 * Looks up the first rows that broke each rule that did not pass; rules about whole columns have none.
 * @param most rows of each rule
 */
export async function firstFailingRows(
  evaluated: Evaluated,
  most: number,
  connection: QualityConnection,
): Promise<readonly FailingRows[]> {
  const { result, ruleset, columns, options } = evaluated
  const surroundings = surroundingsOf(columns, options)
  const found: FailingRows[] = []
  for (const [index, rule] of ruleset.rules.entries()) {
    const { Name = '', Result } = result.RuleResults[index] ?? {}
    const sql = Result === 'FAIL' && found.length < MAX_RULES ? brokenBy(rule, surroundings) : null
    if (sql === null) continue
    const named = columnsOfRule(rule, evaluated)
    const shown = [...new Set([...named, ...columns.map(({ name }) => name)])].slice(0, MAX_COLUMNS)
    const rows = await rowsOf(sql, shown, most, connection)
    if (rows.length > 0) found.push({ name: Name, columns: shown, rows })
  }
  return found
}
