/** `npm run bench [-- NAME…] [--rows N] [--json]` */
import { parseArgs } from 'node:util'
import { messageOf } from '../core/errors.ts'
import { type BenchContext, openContext } from './context.ts'
import { dq, dqManyRules } from './dq.ts'
import { dqdlParse, languageServer } from './dqdl-language.ts'
import { endToEnd } from './end-to-end.ts'
import { help, ready, readyFresh, smallFile } from './latency.ts'
import { printReport, type Report } from './report.ts'
import { inlineMap, transitions } from './states/transitions.ts'

const BENCHMARKS: Readonly<Record<string, (context: BenchContext) => Promise<Report>>> = {
  help,
  'ready-fresh': readyFresh,
  'small-file': smallFile,
  ready,
  'end-to-end': endToEnd,
  dq,
  'dq-131': dqManyRules,
  'dqdl-parse': dqdlParse,
  'language-server': languageServer,
  transitions,
  map: inlineMap,
}

const USAGE = `npm run bench [-- NAME…] [--rows N] [--json]; NAME: ${Object.keys(BENCHMARKS).join(', ')}`

class WrongUse extends Error {}

function readArguments(): { names: readonly string[]; rows: number; json: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rows: { type: 'string', default: '1000000' }, json: { type: 'boolean', default: false } },
  })
  const rows = Number(values.rows)
  if (!Number.isSafeInteger(rows) || rows < 1) throw new WrongUse(`Cannot use "${values.rows}" as --rows`)
  const unknown = positionals.find((name) => !(name in BENCHMARKS))
  if (unknown !== undefined) throw new WrongUse(`Cannot run "${unknown}": it is no benchmark`)
  return { names: positionals.length === 0 ? Object.keys(BENCHMARKS) : positionals, rows, json: values.json }
}

async function main(): Promise<void> {
  const { names, rows, json } = readArguments()
  const context = openContext(rows, (message) => process.stderr.write(`${message}\n`))
  const reports: Report[] = []
  try {
    for (const [name, run] of Object.entries(BENCHMARKS)) if (names.includes(name)) reports.push(await run(context))
  } finally {
    await context.close()
  }
  const measurements = reports.flatMap((report) => report.measurements)
  const skipped = reports.flatMap((report) => report.skipped)
  process.stdout.write(
    `${json ? JSON.stringify({ benchmarks: measurements, skipped }) : printReport({ measurements, skipped })}\n`,
  )
}

main().catch((error: unknown) => {
  const wrongUse = error instanceof WrongUse || (error instanceof TypeError && 'code' in error)
  process.stderr.write(`bench: ${messageOf(error)}${wrongUse ? `\n${USAGE}` : ''}\n`)
  process.exitCode = wrongUse ? 2 : 3
})
