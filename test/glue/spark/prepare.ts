import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { compileQuality } from '../../../dqdl/compile.ts'
import { qualityColumnsOf } from '../../../dqdl/contract-columns.ts'
import { requireRuleset } from '../../../dqdl/parse.ts'
import { translateRuleset } from '../../../dqdl/spark-sql.ts'
import { openDuckdb } from '../../../glue/duckdb.ts'
import { runTransform } from '../../../glue/executor.ts'
import type { Plan } from '../../../glue/plan.ts'
import { FolderObjects, planOf, SETTINGS } from '../harness.ts'
import { type SparkCase, sparkCases } from './cases.ts'
import { PLAN_URI, type PreparedCase, RUN_IDS } from './prepared-case.ts'

class CaseObjects extends FolderObjects {
  override readonly folder: string

  constructor(folder: string) {
    super()
    this.folder = folder
  }
}

async function planWithRules({ given, dqdl }: SparkCase): Promise<Plan> {
  const plan = planOf({ ...given, sizeBytes: Buffer.from(given.content).length })
  if (dqdl === null) return plan
  const ruleset = requireRuleset(dqdl)
  const quality = compileQuality(ruleset, qualityColumnsOf(given.contract), {
    now: new Date(plan.ingestedAt),
    translations: await translateRuleset(ruleset, [qualityColumnsOf(given.contract)]),
  })
  return { ...plan, quality }
}

/** Writes what executors read, and runs the case in process. */
async function prepare(spark: SparkCase, folder: string): Promise<PreparedCase> {
  const objects = new CaseObjects(folder)
  const plan = await planWithRules(spark)
  for (const read of plan.reads) {
    const path = objects.path(`s3://${read.bucket}/${read.key}`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, spark.given.content)
  }
  await objects.putText(PLAN_URI.small, JSON.stringify({ ...plan, engine: 'small' }))
  await objects.putText(PLAN_URI.large, JSON.stringify({ ...plan, engine: 'large' }))
  await runTransform(
    { planUri: PLAN_URI.small, runId: RUN_IDS.inProcess },
    { objects, openDuckdb, now: () => performance.now(), settings: SETTINGS },
  )
  return { name: spark.name, folder, splitBytes: spark.splitBytes, hasRules: spark.dqdl !== null }
}

const [out] = process.argv.slice(2)
if (out === undefined) throw new TypeError('Cannot prepare cases: a folder is needed')
const prepared: PreparedCase[] = []
for (const [index, spark] of (await sparkCases()).entries())
  prepared.push(await prepare(spark, join(out, String(index))))
writeFileSync(join(out, 'cases.json'), JSON.stringify(prepared))
process.stdout.write(`${prepared.length} cases run in process\n`)
