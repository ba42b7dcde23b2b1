import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf, SluiceError } from '../core/errors.ts'
import { parseContract } from '../core/parse-contract.ts'
import { parseMapping } from '../core/parse-mapping.ts'
import { openDuckdb } from '../glue/duckdb.ts'
import { printGenerator } from '../glue/generate.ts'

const USAGE = 'npm run generate -- orders --tenant T --rows N [--seed S] [--defects F] --out FILE'

const wrongUse = (message: string): SluiceError => new SluiceError('invalid_arguments', message, { hint: USAGE })

function numberOf(text: string, flag: string, isValid: (value: number) => boolean): number {
  const value = Number(text)
  if (isValid(value)) return value
  throw wrongUse(`Cannot use "${text}" for --${flag}`)
}

function readArguments(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      tenant: { type: 'string' },
      rows: { type: 'string' },
      seed: { type: 'string', default: '1' },
      defects: { type: 'string', default: '0.001' },
      out: { type: 'string' },
    },
  })
  const { tenant, rows, out } = values
  if (positionals[0] !== 'orders') throw wrongUse(`Cannot generate "${positionals[0] ?? ''}": expected orders`)
  if (tenant === undefined || rows === undefined || out === undefined)
    throw wrongUse('Cannot generate: --tenant, --rows and --out are needed')
  return {
    tenant,
    rows: numberOf(rows, 'rows', (value) => Number.isSafeInteger(value) && value >= 0),
    seed: numberOf(values.seed, 'seed', (value) => Number.isSafeInteger(value) && value >= 0),
    defects: numberOf(values.defects, 'defects', (value) => value >= 0 && value <= 1),
    out: resolve(out),
  }
}

function readDocument<T>(
  file: string,
  parse: (text: string, file: string) => { ok: true; value: T } | { ok: false; problems: readonly unknown[] },
): T {
  const parsed = parse(readFileSync(file, 'utf8'), file)
  if (parsed.ok) return parsed.value
  throw new SluiceError('invalid_file', `Cannot use ${file}: ${JSON.stringify(parsed.problems[0])}`)
}

async function main(): Promise<void> {
  const { tenant, out, ...request } = readArguments(process.argv.slice(2))
  const contract = readDocument(join('contracts', 'orders.yaml'), parseContract)
  const mappingFile = join('contracts', 'mappings', `${tenant}.orders.yaml`)
  if (!existsSync(mappingFile)) throw wrongUse(`Cannot generate: tenant "${tenant}" has no mapping ${mappingFile}`)
  const mapping = readDocument(mappingFile, parseMapping)
  const engine = await openDuckdb({
    threads: availableParallelism(),
    memoryLimitBytes: 1 << 30,
    tempDirectory: tmpdir(),
  })
  try {
    for (const sql of printGenerator({ ...request, contract, mapping, path: out })) await engine.run(sql)
  } finally {
    engine.close()
  }
  process.stderr.write(`${request.rows} rows written to ${out}\n`)
}

main().catch((error: unknown) => {
  const hint = error instanceof SluiceError && error.hint !== undefined ? `\n${error.hint}` : ''
  process.stderr.write(`${messageOf(error)}${hint}\n`)
  process.exitCode = 2
})
