import { tmpdir } from 'node:os'
import { type CompileOptions, compileQuality } from '../../dqdl/compile.ts'
import { executeQualityPlan } from '../../dqdl/execute.ts'
import { type GlueRuleResult, parseGlueResult } from '../../dqdl/glue-result.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { translateRuleset } from '../../dqdl/spark-sql.ts'
import { type Duckdb, openDuckdb } from '../../glue/duckdb.ts'

export const NOW = new Date('2026-03-10T12:00:00Z')

/** Four orders as a SELECT: every type that rules tell apart, some values missing, and texts that are empty or blank. */
export const ORDERS = `SELECT * FROM (VALUES
  ('o1', 'EUR', 10.50, 1, DATE '2026-03-01', TIMESTAMP '2026-03-10 11:00:00', 'abc'),
  ('o2', 'USD', 20.00, 2, DATE '2026-03-02', TIMESTAMP '2026-03-09 11:00:00', ''),
  ('o3', 'USD', 30.25, 3, DATE '2026-03-03', TIMESTAMP '2026-03-10 11:30:00', '  '),
  ('o4', 'GBP', 40.00, NULL, NULL, NULL, NULL)
  ) AS t(order_id, currency, amount, quantity, ordered_on, event_ts, note)`

export const openEngine = (): Promise<Duckdb> =>
  openDuckdb({ threads: 1, memoryLimitBytes: 512 << 20, tempDirectory: tmpdir() })

/** Evaluates rules (the items of one Rules list) over the rows of a SELECT. */
export async function judge(
  engine: Duckdb,
  data: string,
  rules: string,
  options: Partial<CompileOptions> & { readonly head?: string } = {},
): Promise<{
  results: readonly GlueRuleResult[]
  result: ReturnType<typeof parseGlueResult>
  verdict: unknown
  verdictText: string
}> {
  const { head = '', ...rest } = options
  const ruleset = requireRuleset(`${head}\nRules = [ ${rules} ]`)
  await engine.run(`CREATE OR REPLACE TEMP TABLE sluice_data AS ${data}`)
  const described = await engine.rows('DESCRIBE sluice_data')
  const columns = described.map((row) => ({ name: String(row.column_name), duckdbType: String(row.column_type) }))
  const translations = await translateRuleset(ruleset, [columns])
  const plan = compileQuality(ruleset, columns, { now: NOW, translations, ...rest })
  const { result, verdict } = await executeQualityPlan(plan, engine)
  const parsed = parseGlueResult(result)
  return { results: parsed.RuleResults, result: parsed, verdict: JSON.parse(verdict) as unknown, verdictText: verdict }
}
