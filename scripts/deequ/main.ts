import { mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { literal } from '../../dqdl/sql.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { agrees, type Compared, differingMetrics, verdictsAgree } from './compare.ts'
import { compareTable, type Engines, referencesOf, relationOf } from './evaluate.ts'
import { type DifferenceScope, differenceOf } from './explain-difference.ts'
import { Choices } from './random.ts'
import { startReference } from './reference.ts'
import { randomRule, standingRules } from './rules.ts'
import { randomTable, selectOf, standingTables, type TestTable } from './tables.ts'

const USAGE =
  'npm run test:deequ -- [--rules N] [--seed N] [--standing SHARE] [--tables NAME,…] [--json FILE] [--verbose]'
const ALIASES = ['clean', 'nulls', 'distinct', 'no_row']
const RULES_A_TABLE = 50
const MOST_ROWS = 24

interface Settings {
  /** Random rules. */
  readonly rules: number
  readonly seed: number
  /** Share of the standing rules to run, above 0, at most 1. */
  readonly standing: number
  /** Names of the tables to run, the random ones (`random_0`, …) too; all by default. */
  readonly tables: readonly string[] | null
  readonly json: string | null
  readonly verbose: boolean
}

function readSettings(): Settings {
  const { values } = parseArgs({
    options: {
      rules: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      standing: { type: 'string', default: '1' },
      tables: { type: 'string' },
      json: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  })
  const number = (flag: 'rules' | 'seed' | 'standing'): number => {
    const value = Number(values[flag])
    if (Number.isFinite(value) && value >= 0) return value
    throw new SluiceError('invalid_arguments', `Cannot use "${values[flag]}" for --${flag}: expected ${USAGE}`)
  }
  return {
    rules: number('rules'),
    seed: number('seed'),
    standing: number('standing'),
    tables: values.tables?.split(',') ?? null,
    json: values.json ?? null,
    verbose: values.verbose,
  }
}

interface Work {
  readonly table: TestTable
  readonly rules: readonly string[]
}

/** The standing tables with every rule type and operator, then random tables with random rules. */
function workOf({ rules, seed, standing, tables }: Settings): readonly Work[] {
  const choices = new Choices(seed)
  const fixed = standingTables().map((table) => ({
    table,
    rules: standingRules(table)
      .filter(() => choices.fraction() < standing && (tables?.includes(table.name) ?? true))
      .map(({ text }) => text),
  }))
  const random = Array.from({ length: Math.ceil(rules / RULES_A_TABLE) }, (_, index): Work => {
    const table = randomTable(`random_${index}`, choices.below(MOST_ROWS), choices)
    const count = Math.min(RULES_A_TABLE, rules - index * RULES_A_TABLE)
    return { table, rules: Array.from({ length: count }, () => randomRule(table, choices).text) }
  })
  return [...fixed, ...random.filter(({ table }) => tables?.includes(table.name) ?? true)]
}

async function compareAll(
  work: readonly Work[],
  engines: Engines,
): Promise<{ compared: Compared[]; refused: string[] }> {
  const compared: Compared[] = []
  const refused: string[] = []
  for (const { table } of work) {
    const path = join(engines.folder, `${table.name}.parquet`)
    await engines.duckdb.run(`COPY (${selectOf(table, engines.now)}) TO ${literal(path)} (FORMAT parquet)`)
    await engines.reference.open(table.name, path)
  }
  for (const { table, rules } of work) {
    const outcome = await compareTable(table, rules, engines)
    compared.push(...outcome.compared)
    refused.push(...outcome.refused.map(({ text, reason }) => `${text}: ${reason}`))
    process.stderr.write(
      `${table.name}: ${outcome.compared.filter(agrees).length} of ${outcome.compared.length} agree\n`,
    )
  }
  return { compared, refused }
}

const outcomeText = ({ own, reference }: Compared): string =>
  `here ${own.Result} ${JSON.stringify(own.EvaluatedMetrics)} ${own.EvaluationMessage ?? ''}, there ${reference.passed ? 'PASS' : 'FAIL'} ${JSON.stringify(reference.metrics)} ${(reference.reason ?? '').slice(0, 300)}`

const percent = (part: number, whole: number): string => `${whole === 0 ? 100 : ((part / whole) * 100).toFixed(2)} %`

interface Explained {
  readonly each: Compared
  readonly subject: string | null
}

async function explainAll(compared: readonly Compared[], scope: DifferenceScope): Promise<readonly Explained[]> {
  const explained: Explained[] = []
  for (const each of compared) if (!agrees(each)) explained.push({ each, subject: await differenceOf(each, scope) })
  return explained
}

/** Rules of each type (composite ones apart) and how many verdicts agree. */
function typeLines(compared: readonly Compared[], accepted: ReadonlySet<Compared>): readonly string[] {
  const types = new Map<string, { rules: number; agreeing: number; accounted: number }>()
  for (const each of compared) {
    const type = each.rule.kind === 'rule' ? each.rule.type : 'composite'
    const count = types.get(type) ?? { rules: 0, agreeing: 0, accounted: 0 }
    count.rules += 1
    if (verdictsAgree(each)) count.agreeing += 1
    if (verdictsAgree(each) || accepted.has(each)) count.accounted += 1
    types.set(type, count)
  }
  return [...types]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(
      ([type, { rules, agreeing, accounted }]) =>
        `  ${type.padEnd(24)}${String(rules).padStart(6)} rules, verdicts agree ${percent(agreeing, rules).padStart(9)}, with the written differences ${percent(accounted, rules).padStart(9)}`,
    )
}

/** @returns how many differences stand in no document */
function report(
  compared: readonly Compared[],
  explained: readonly Explained[],
  refused: readonly string[],
  { verbose }: Settings,
): number {
  const unknown = explained.filter(({ subject }) => subject === null)
  const bySubject = new Map<string, number>()
  for (const { subject } of explained) if (subject !== null) bySubject.set(subject, (bySubject.get(subject) ?? 0) + 1)
  for (const { each } of verbose ? explained : unknown)
    process.stdout.write(
      `${verdictsAgree(each) ? 'metric ' : 'verdict'} ${each.table.name}: ${each.text}\n    ${outcomeText(each)}\n    ${differingMetrics(each).join('; ')}\n`,
    )
  const verdicts = compared.filter(verdictsAgree).length
  const accepted = new Set(explained.filter(({ subject }) => subject !== null).map(({ each }) => each))
  for (const line of typeLines(compared, accepted)) process.stdout.write(`${line}\n`)
  process.stdout.write(`${compared.length} rules compared, ${refused.length} that the reference refuses\n`)
  for (const reason of verbose ? refused : []) process.stdout.write(`  refused ${reason}\n`)
  process.stdout.write(`verdicts agree: ${verdicts} (${percent(verdicts, compared.length)})\n`)
  process.stdout.write(
    `verdicts and metrics agree: ${compared.length - explained.length} (${percent(compared.length - explained.length, compared.length)})\n`,
  )
  for (const [subject, count] of [...bySubject].sort(([, one], [, other]) => other - one))
    process.stdout.write(`  ${count} differ as written in dqdl/differences.md: ${subject}\n`)
  process.stdout.write(`${unknown.length} differ without a reason\n`)
  return unknown.length
}

async function main(): Promise<void> {
  const settings = readSettings()
  const folder = join(tmpdir(), `sluice-deequ-${process.pid}`)
  await mkdir(folder, { recursive: true })
  const duckdb = await openDuckdb({ threads: 1, memoryLimitBytes: 1 << 30, tempDirectory: folder })
  await duckdb.run("SET TimeZone = 'UTC'")
  const reference = startReference(join(folder, 'reference.log'))
  try {
    const now = new Date()
    const engines = { duckdb, reference, folder, now, aliases: ALIASES }
    const { compared, refused } = await compareAll(workOf(settings), engines)
    const explained = await explainAll(compared, {
      duckdb,
      references: referencesOf(engines),
      relationOf: relationOf(engines),
      now,
    })
    const unknown = report(compared, explained, refused, settings)
    const subjects = new Map(explained.map(({ each, subject }) => [each, subject]))
    if (settings.json !== null)
      await writeFile(
        settings.json,
        JSON.stringify(
          compared.map((each) => ({
            table: each.table.name,
            rule: each.text,
            own: each.own,
            reference: each.reference,
            agrees: agrees(each),
            difference: subjects.get(each) ?? null,
          })),
        ),
      )
    process.exitCode = unknown === 0 ? 0 : 1
  } finally {
    await reference.close()
    duckdb.close()
    await rm(folder, { recursive: true, force: true })
  }
}

await main().catch((thrown: unknown) => {
  process.stderr.write(`${messageOf(thrown)}\n`)
  process.exitCode = 2
})
