/** `npm run bench [-- NAME…] [--rows N] [--json]` */
import { parseArgs } from 'node:util'
import { messageOf } from '../core/errors.ts'
import { type BenchContext, type BenchSizes, openContext } from './context.ts'
import { dq, dqManyRules } from './dq.ts'
import { dqdlParse, languageServer } from './dqdl-language.ts'
import { endToEnd } from './end-to-end.ts'
import { help, ready, readyFresh, smallFile } from './latency.ts'
import { printReport, type Report } from './report.ts'
import { largeObject, smallObjects } from './s3/objects.ts'
import { readyWithExecutions, waiting } from './states/executions.ts'
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
  waiting,
  'ready-executions': readyWithExecutions,
  's3-objects': smallObjects,
  's3-large': largeObject,
}

const USAGE = `npm run bench [-- NAME…] [--rows N] [--objects N] [--object-mb N] [--executions N] [--json]; NAME: ${Object.keys(BENCHMARKS).join(', ')}`

class WrongUse extends Error {}

interface Arguments {
  readonly names: readonly string[]
  readonly rows: number
  readonly sizes: BenchSizes
  readonly json: boolean
}

function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '1000000' },
      objects: { type: 'string', default: '1000' },
      'object-mb': { type: 'string', default: '256' },
      executions: { type: 'string', default: '2000' },
      json: { type: 'boolean', default: false },
    },
  })
  const count = (name: 'rows' | 'objects' | 'object-mb' | 'executions'): number => {
    const value = Number(values[name])
    if (Number.isSafeInteger(value) && value >= 1) return value
    throw new WrongUse(`Cannot use "${values[name]}" as --${name}`)
  }
  const unknown = positionals.find((name) => !(name in BENCHMARKS))
  if (unknown !== undefined) throw new WrongUse(`Cannot run "${unknown}": it is no benchmark`)
  return {
    names: positionals.length === 0 ? Object.keys(BENCHMARKS) : positionals,
    rows: count('rows'),
    sizes: { objects: count('objects'), objectMb: count('object-mb'), executions: count('executions') },
    json: values.json,
  }
}

async function main(): Promise<void> {
  const { names, rows, sizes, json } = readArguments()
  const context = openContext(rows, sizes, (message) => process.stderr.write(`${message}\n`))
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
