import { messageOf, SluiceError } from '../../core/errors.ts'
import type { RuleResult as Outcome } from '../../core/run-documents.ts'
import { compileQuality } from '../compile.ts'
import { evaluateQualityPlan, type QualityConnection } from '../execute.ts'
import { type GlueRuleResult, parseGlueResult } from '../glue-result.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { translateRuleset } from '../spark-sql.ts'
import { identifier, literal } from '../sql.ts'
import type { SqlTranslations } from '../sql-translation.ts'
import type { BoundTest, BoundTests } from './bind-ruleset-tests.ts'
import type { TestRow } from './ruleset-tests.ts'

/** A rule that did something else than a test says. */
export interface Surprise {
  readonly rule: string
  readonly expected: Outcome
  readonly found: Outcome
  readonly message: string | null
}
export interface TestOutcome {
  readonly name: string
  /** Of the test in its file, from 1. */
  readonly line: number
  readonly passed: boolean
  readonly surprises: readonly Surprise[]
}
export interface TestedRule {
  readonly rule: string
  /** In the ruleset's text, from 1. */
  readonly line: number
}
export interface TestedRuleset {
  readonly tests: readonly TestOutcome[]
  /** Rules that no test names as failing and sees fail: nothing shows that they can. */
  readonly neverFails: readonly TestedRule[]
  /** Rules that pass in no test. */
  readonly neverPasses: readonly TestedRule[]
  readonly passed: boolean
}

const textOf = (value: unknown): string | null => {
  if (value === null || value === undefined) return null
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
const literalOf = (value: unknown): string => {
  const text = textOf(value)
  return text === null ? 'NULL' : literal(text)
}

/** Texts, cast to the types of the columns that a row has a value for. */
function insertSql(table: string, columns: readonly QualityColumn[], rows: readonly TestRow[]): string {
  const given = columns.filter(({ name }) => rows.some((row) => row[name] !== undefined))
  // A table needs a column, though no row says anything about one.
  const used = given.length > 0 ? given : columns.slice(0, 1)
  const values = rows.map((row) => `(${used.map(({ name }) => literalOf(row[name])).join(', ')})`)
  const casts = used.map(({ duckdbType }, index) => `CAST(v${index} AS ${duckdbType})`)
  const names = used.map(({ name }) => identifier(name))
  return `INSERT INTO ${identifier(table)} (${names.join(', ')}) SELECT ${casts.join(', ')} FROM (VALUES ${values.join(', ')}) AS t(${used.map((_, index) => `v${index}`).join(', ')})`
}

/** Rows that go into one statement. */
const BATCH = 500

async function createTable(
  table: string,
  columns: readonly QualityColumn[],
  rows: readonly TestRow[],
  connection: QualityConnection,
): Promise<void> {
  const types = columns.map(({ name, duckdbType }) => `${identifier(name)} ${duckdbType}`)
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${identifier(table)} (${types.join(', ')})`)
  for (let start = 0; start < rows.length; start += BATCH) {
    try {
      await connection.run(insertSql(table, columns, rows.slice(start, start + BATCH)))
    } catch (thrown) {
      throw new SluiceError('invalid_value', messageOf(thrown).split('\n')[0] ?? '', { cause: thrown })
    }
  }
}

async function evaluate(
  test: BoundTest,
  bound: BoundTests,
  translations: SqlTranslations,
  connection: QualityConnection,
): Promise<readonly GlueRuleResult[]> {
  await createTable('sluice_data', test.columns, test.rows, connection)
  const plan = compileQuality(bound.ruleset, test.columns, {
    now: bound.now,
    translations,
    references: new Map(bound.references.map(({ alias, columns }) => [alias, columns])),
    history: (metric) => test.history.flatMap((run) => run[metric] ?? []),
  })
  return parseGlueResult((await evaluateQualityPlan(plan, connection)).result).RuleResults
}

const expectedOf = ({ fails, errors, others }: BoundTest, index: number): Outcome | null => {
  if (fails.has(index)) return 'FAIL'
  if (errors.has(index)) return 'ERROR'
  return others === 'any' ? null : 'PASS'
}

function surprisesOf(test: BoundTest, results: readonly GlueRuleResult[]): readonly Surprise[] {
  return results.flatMap(({ Description, Result, EvaluationMessage }, index): Surprise[] => {
    const expected = expectedOf(test, index)
    if (expected === null || expected === Result) return []
    return [{ rule: Description, expected, found: Result, message: EvaluationMessage ?? null }]
  })
}

/**
 * Evaluates every test on its own small table.
 * @throws SluiceError `invalid_value` with the test's place when a value does not fit its column
 */
export async function runRulesetTests(
  bound: BoundTests,
  file: string,
  connection: QualityConnection,
): Promise<TestedRuleset> {
  const translations = await translateRuleset(bound.ruleset, [
    ...bound.tests.map(({ columns }) => columns),
    ...bound.references.map(({ columns }) => columns),
  ])
  for (const { alias, columns, rows } of bound.references) await createTable(alias, columns, rows, connection)
  const tests: TestOutcome[] = []
  const failed = new Set<number>()
  const passed = new Set<number>()
  for (const test of bound.tests) {
    const results = await evaluate(test, bound, translations, connection).catch((thrown: unknown) => {
      if (!(thrown instanceof SluiceError) || thrown.code !== 'invalid_value') throw thrown
      const message = `Cannot use the rows of "${test.name}": ${thrown.message}`
      throw new SluiceError('invalid_value', message, { where: { file, line: test.line }, cause: thrown })
    })
    for (const [index, { Result }] of results.entries()) {
      if (Result === 'PASS') passed.add(index)
      if ((Result === 'FAIL' && test.fails.has(index)) || (Result === 'ERROR' && test.errors.has(index)))
        failed.add(index)
    }
    const surprises = surprisesOf(test, results)
    tests.push({ name: test.name, line: test.line, passed: surprises.length === 0, surprises })
  }
  const unseen = (seen: ReadonlySet<number>): readonly TestedRule[] =>
    bound.rules.flatMap((rule, index) =>
      seen.has(index) ? [] : [{ rule, line: bound.ruleset.rules[index]?.at.line ?? 1 }],
    )
  const neverFails = unseen(failed)
  return {
    tests,
    neverFails,
    neverPasses: unseen(passed),
    passed: tests.every((test) => test.passed) && neverFails.length === 0,
  }
}
