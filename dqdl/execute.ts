import { messageOf } from '../core/errors.ts'
import type { QualityPlan, QualityStatement } from './quality-plan.ts'
import { literal } from './sql.ts'

/** What evaluating needs of a DuckDB connection; one connection for the whole plan, as its tables are temporary. */
export interface QualityConnection {
  /** Runs one statement. @throws the engine's error */
  execute(sql: string): Promise<void>
  /** The first column of the first row, as text. */
  text(sql: string): Promise<string>
}

const MAX_MESSAGE = 2048

async function runStatement(statement: QualityStatement, connection: QualityConnection): Promise<void> {
  try {
    await connection.execute(statement.sql)
  } catch (thrown) {
    if (statement.rules.length === 0) throw thrown
    const message = literal(messageOf(thrown).slice(0, MAX_MESSAGE))
    const rows = statement.rules.map((index) => `(${index}, 'ERROR', '{}', ${message}, NULL)`)
    await connection.execute(`INSERT INTO sluice_verdicts VALUES ${rows.join(', ')}`)
  }
}

/**
 * Evaluates a plan over the relation `sluice_data` of the connection. A statement that fails makes only its own rules ERROR.
 * @returns the texts of `result.json` and `verdict.json` (with its placeholders)
 */
export async function executeQualityPlan(
  plan: QualityPlan,
  connection: QualityConnection,
): Promise<{ readonly result: string; readonly verdict: string }> {
  for (const sql of plan.setup) await connection.execute(sql)
  for (const { fallback, ...statement } of plan.statements) {
    if (fallback === undefined) {
      await runStatement(statement, connection)
      continue
    }
    try {
      await connection.execute(statement.sql)
    } catch {
      for (const single of fallback) await runStatement(single, connection)
    }
  }
  return { result: await connection.text(plan.resultDocument), verdict: await connection.text(plan.verdictDocument) }
}
