import { mkdirSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf, SluiceError } from '../core/errors.ts'
import { openDuckdb } from '../glue/duckdb.ts'
import { DATASET_FORMS, type DatasetForm, type DatasetRequest, writeDataset } from './dataset-files.ts'

const USAGE = `npm run datasets -- DATASET --out FILE [--rows N]

Writes a public dataset of the npm package vega-datasets as a CSV file to ingest. Equal calls write equal bytes.

  birdstrikes       10,000 reports of wildlife strikes, in the package's own form   (tenant skywatch)
  birdstrikes-faa   the same reports in the form of the FAA's own tables: dates as 1/8/90 0:00, quoted text
                    with commas, marks between thousands                            (tenant fieldbook)
  flights           3,000,000 scheduled flights with their delay                    (tenant skywatch)

  --out FILE   where to write
  --rows N     only the first N rows

Example:
  npm run datasets -- birdstrikes-faa --out strikes.csv
  npx sluice ingest strikes.csv --tenant fieldbook --dataset birdstrikes
`

const wrongUse = (message: string): SluiceError =>
  new SluiceError('invalid_arguments', message, { hint: 'npm run datasets -- --help' })

const isForm = (value: string | undefined): value is DatasetForm => DATASET_FORMS.some((form) => form === value)

/** `null` where help is wanted. @throws SluiceError `invalid_arguments`, and what parseArgs throws */
function readArguments(args: readonly string[]): DatasetRequest | null {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { out: { type: 'string' }, rows: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true) return null
  const [form, ...others] = positionals
  if (!isForm(form) || others.length > 0)
    throw wrongUse(`Cannot write "${positionals.join(' ')}": expected ${DATASET_FORMS.join(', ')}`)
  if (values.out === undefined) throw wrongUse('Cannot write without --out')
  if (values.rows !== undefined && !/^[0-9]{1,9}$/.test(values.rows))
    throw wrongUse(`Cannot use "${values.rows}" for --rows: expected a whole number`)
  return { form, out: resolve(values.out), rows: values.rows === undefined ? null : Number(values.rows) }
}

async function write(request: DatasetRequest): Promise<void> {
  mkdirSync(dirname(request.out), { recursive: true })
  const engine = await openDuckdb({
    threads: availableParallelism(),
    memoryLimitBytes: 1 << 30,
    tempDirectory: tmpdir(),
  })
  try {
    process.stderr.write(`${await writeDataset(engine, request)} rows written to ${request.out}\n`)
  } finally {
    engine.close()
  }
}

async function main(): Promise<void> {
  const request = readArguments(process.argv.slice(2))
  if (request === null) process.stdout.write(USAGE)
  else await write(request)
}

main().catch((error: unknown) => {
  const hint = error instanceof SluiceError && error.hint !== undefined ? `\n${error.hint}` : ''
  process.stderr.write(`${messageOf(error)}${hint}\n`)
  process.exitCode = 2
})
