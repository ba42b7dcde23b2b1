import { messageOf } from '../core/errors.ts'
import type { QualityPlan, QualityStatement } from './quality-plan.ts'
import { literal } from './sql.ts'

/** What evaluating needs of a DuckDB connection; one connection for the whole plan, as its tables are temporary. */
export interface QualityConnection {
  /** Runs one statement. @throws the engine's error */
  run(sql: string): Promise<void>
  /** All rows of a small result. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

const MAX_MESSAGE = 2048

/** The only value of a SELECT of one row and one column. */
async function textOf(sql: string, connection: QualityConnection): Promise<string> {
  const [row = {}] = await connection.rows(sql)
  return String(Object.values(row)[0])
}

async function runStatement(statement: QualityStatement, connection: QualityConnection): Promise<void> {
  try {
    await connection.run(statement.sql)
  } catch (thrown) {
    if (statement.rules.length === 0) throw thrown
    const message = literal(messageOf(thrown).slice(0, MAX_MESSAGE))
    const rows = statement.rules.map((index) => `(${index}, 'ERROR', '{}', ${message}, NULL)`)
    await connection.run(`INSERT INTO sluice_verdicts VALUES ${rows.join(', ')}`)
  }
}

/** A question that fails settles nothing: the statement itself then says what is wrong. */
async function isSettled({ unless }: QualityStatement, connection: QualityConnection): Promise<boolean> {
  if (unless === undefined) return false
  try {
    return (await textOf(unless, connection)) === 'true'
  } catch {
    return false
  }
}

/**
 * Runs setup and statements of a plan; then `sluice_verdicts` holds one verdict a rule.
 * @returns positions of the statements that were needed
 */
async function judge({ setup, statements }: QualityPlan, connection: QualityConnection): Promise<ReadonlySet<number>> {
  const ran = new Set<number>()
  for (const sql of setup) await connection.run(sql)
  for (const [position, { fallback, ...statement }] of statements.entries()) {
    if (await isSettled(statement, connection)) continue
    ran.add(position)
    if (fallback === undefined) {
      await runStatement(statement, connection)
      continue
    }
    try {
      await connection.run(statement.sql)
    } catch {
      for (const single of fallback) await runStatement(single, connection)
    }
  }
  return ran
}

/**
 * Evaluates a plan over the relation `sluice_data` of the connection. A statement that fails makes only its own rules ERROR.
 * @returns the texts of `result.json` and `verdict.json` (with its placeholders)
 */
export async function executeQualityPlan(
  plan: QualityPlan,
  connection: QualityConnection,
): Promise<{ readonly result: string; readonly verdict: string }> {
  await judge(plan, connection)
  return {
    result: await textOf(plan.resultDocument, connection),
    verdict: await textOf(plan.verdictDocument, connection),
  }
}

/** As {@link executeQualityPlan}, for who needs `result.json` alone, and which statements were needed for it. */
export async function evaluateQualityPlan(
  plan: QualityPlan,
  connection: QualityConnection,
): Promise<{ readonly result: string; readonly ran: ReadonlySet<number> }> {
  const ran = await judge(plan, connection)
  return { result: await textOf(plan.resultDocument, connection), ran }
}
