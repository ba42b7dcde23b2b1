import { SluiceError } from '../core/errors.ts'
import type { RuleResult as Outcome } from '../core/run-documents.ts'
import type { Ruleset } from './ast.ts'
import { type CompileOptions, compileQuality } from './compile.ts'
import { evaluateQualityPlan, type QualityConnection } from './execute.ts'
import { type GlueResult, parseGlueResult } from './glue-result.ts'
import type { MetricHistory } from './operands.ts'
import type { QualityColumn, QualityPlan } from './quality-plan.ts'
import { rowFailuresSql } from './row-failures.ts'
import { translateRuleset } from './spark-sql.ts'
import { identifier, literal } from './sql.ts'

export interface Evaluation {
  readonly ruleset: Ruleset
  /** What stands behind FROM: a table, a view, `read_parquet('…')`; see {@link relationOfFile}. */
  readonly relation: string
  /** Additional data sources by alias, in the same form. */
  readonly references?: Readonly<Record<string, string>>
  readonly now: Date
  readonly history?: MetricHistory
  /** Path of a Parquet file for every failing row with every rule it broke. */
  readonly failures?: string
}
export interface Evaluated {
  readonly result: GlueResult
  /** `ERROR`: a gate rule could not be evaluated and none failed. */
  readonly gate: Outcome
  readonly plan: QualityPlan
  /** Positions of the plan's statements that were needed. */
  readonly ran: ReadonlySet<number>
  /** Rows written to `failures`; `null` when none was asked for. */
  readonly failingRows: number | null
  readonly ruleset: Ruleset
  /** Of the data, which the connection still has as `sluice_data`. */
  readonly columns: readonly QualityColumn[]
  /** What the rules were compiled with. */
  readonly options: CompileOptions
}

/** @throws SluiceError `unsupported_format`: known are .parquet, .csv, .tsv, .json, .jsonl and .ndjson, also with .gz or .zst */
export function relationOfFile(path: string): string {
  const suffix = /\.([a-z]+)(?:\.(?:gz|zst))?$/i.exec(path)?.[1]?.toLowerCase() ?? ''
  if (suffix === 'parquet') return `read_parquet(${literal(path)})`
  if (suffix === 'csv' || suffix === 'tsv' || suffix === 'txt')
    return `read_csv(${literal(path)}, header = true, skip = 0, sample_size = -1)`
  if (suffix === 'json' || suffix === 'jsonl' || suffix === 'ndjson')
    return `read_json(${literal(path)}, format = 'newline_delimited', sample_size = -1)`
  throw new SluiceError('unsupported_format', `Cannot read ${path}: expected .parquet, .csv or .jsonl`, {
    expected: '.parquet, .csv, .tsv, .json, .jsonl, .ndjson',
    found: suffix,
  })
}

/** Columns with their types of what stands behind FROM. */
export async function describeRelation(
  relation: string,
  connection: QualityConnection,
): Promise<readonly QualityColumn[]> {
  const rows = await connection.rows(`DESCRIBE SELECT * FROM ${relation}`)
  return rows.map((row) => ({ name: String(row.column_name), duckdbType: String(row.column_type) }))
}

/** Text formats are read once into a table: every statement would parse the file again. */
const isText = (relation: string): boolean => /^read_(?:csv|json)\(/.test(relation)

async function bring(name: string, relation: string, connection: QualityConnection): Promise<readonly QualityColumn[]> {
  const table = identifier(`sluice_text_${name}`)
  if (isText(relation)) await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} AS SELECT * FROM ${relation}`)
  const from = isText(relation) ? table : relation
  await connection.run(`CREATE OR REPLACE TEMP VIEW ${identifier(name)} AS SELECT * FROM ${from}`)
  return describeRelation(identifier(name), connection)
}

/**
 * Evaluates a ruleset over data that the connection can read.
 * @throws the engine's error when the data cannot be read or the failing rows not written; a rule that cannot be evaluated is
 * an ERROR in the result
 */
export async function evaluateRuleset(evaluation: Evaluation, connection: QualityConnection): Promise<Evaluated> {
  const { ruleset, relation, now, history, failures } = evaluation
  const columns = await bring('sluice_data', relation, connection)
  const references = new Map<string, readonly QualityColumn[]>()
  for (const [alias, other] of Object.entries(evaluation.references ?? {}))
    references.set(alias, await bring(alias, other, connection))
  const options: CompileOptions = {
    now,
    references,
    translations: await translateRuleset(ruleset, [columns, ...references.values()]),
    ...(history === undefined ? {} : { history }),
  }
  const plan = compileQuality(ruleset, columns, options)
  const { result: text, ran } = await evaluateQualityPlan(plan, connection)
  const result = parseGlueResult(text)
  const failingRows =
    failures === undefined ? null : await writeFailures(failures, { ruleset, columns, options, result }, connection)
  return { result, gate: gateOf(result, plan), plan, ran, failingRows, ruleset, columns, options }
}

function gateOf({ RuleResults }: GlueResult, { rules }: QualityPlan): Outcome {
  const gates = new Set(rules.filter(({ severity }) => severity === 'gate').map(({ name }) => name))
  const outcomes = RuleResults.filter(({ Name }) => gates.has(Name)).map(({ Result }) => Result)
  if (outcomes.includes('FAIL')) return 'FAIL'
  return outcomes.includes('ERROR') ? 'ERROR' : 'PASS'
}

async function writeFailures(
  path: string,
  {
    ruleset,
    columns,
    options,
    result,
  }: { ruleset: Ruleset; columns: readonly QualityColumn[]; options: CompileOptions; result: GlueResult },
  connection: QualityConnection,
): Promise<number> {
  const evaluated = new Set(result.RuleResults.filter(({ Result }) => Result !== 'ERROR').map(({ Name }) => Name))
  const none = `SELECT *, []::VARCHAR[] AS "DataQualityRulesFail", []::VARCHAR[] AS "DataQualityRuleNames", 'Failed' AS "DataQualityEvaluationResult" FROM sluice_data WHERE false`
  const sql = rowFailuresSql(ruleset, columns, options, evaluated) ?? none
  const [row] = await connection.rows(`COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`)
  return Number(row?.Count ?? 0)
}
