import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { openDuckdb } from '../../../glue/duckdb.ts'
import { printGenerator } from '../../../glue/generate.ts'
import { text } from '../../../glue/sql/literals.ts'
import { type DatasetForm, writeDataset } from '../../../scripts/dataset-files.ts'
import { type Case, readContract, readMapping, SETTINGS } from '../harness.ts'
import {
  caseOf,
  columnOf,
  OPERATOR_TABLES,
  type OperatorGroup,
  operatorDocuments,
  readOperatorTable,
} from '../operator-cases.ts'
import { READINGS, readings } from '../readings.ts'
import { randomRecords } from './random-records.ts'

/** A file that every executor must end with the same rows, rejects, counts and documents. */
export interface SparkCase {
  readonly name: string
  readonly given: Case
  /** Text of the ruleset; without it one rule that always passes stands in the plan. */
  readonly dqdl: string | null
  /** Size of the ranges that a large input is read in: small, so that small files have many. */
  readonly splitBytes: number
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-spark-cases-'))
const rulesOf = (dataset: string): string => readFileSync(`dq-rules/${dataset}.dqdl`, 'utf8')

/** Runs statements on an engine of their own. */
async function withEngine<T>(work: (engine: Awaited<ReturnType<typeof openDuckdb>>) => Promise<T>): Promise<T> {
  const engine = await openDuckdb(SETTINGS)
  try {
    return await work(engine)
  } finally {
    engine.close()
  }
}

async function orders(tenant: string, rows: number, defects: number): Promise<SparkCase> {
  const contract = { ...readContract('orders'), rejectTolerance: 0.5 }
  const mapping = readMapping(tenant, 'orders')
  const path = join(folder, `${tenant}.csv`)
  await withEngine(async (engine) => {
    for (const sql of printGenerator({ contract, mapping, rows, seed: 11, defects, path })) await engine.run(sql)
  })
  const given = { contract, mapping, content: readFileSync(path) }
  return { name: `orders of ${tenant}`, given, dqdl: rulesOf('orders'), splitBytes: 2 << 20 }
}

async function publicDataset(form: DatasetForm, tenant: string, rows: number | null): Promise<SparkCase> {
  const dataset = form === 'flights' ? 'flights' : 'birdstrikes'
  const out = join(folder, `${form}.csv`)
  await withEngine((engine) => writeDataset(engine, { form, out, rows }))
  const given = {
    contract: readContract(dataset),
    mapping: readMapping(tenant, dataset),
    content: readFileSync(out),
  }
  return { name: form, given, dqdl: rulesOf(dataset), splitBytes: 3 << 20 }
}

const HEADER = ['sensor', 'value', 'read_at']
const CSV = readings('{ format: csv, timezone: UTC }')
const GOOD = `sensor,value,read_at\n${Array.from({ length: 300 }, (_, i) => `köln${i % 211},${i}.5,2025-01-01T00:00:${10 + (i % 50)}Z\r\n`).join('')}`

const form = (name: string, content: string | Buffer, extra: Partial<Case> = {}): SparkCase => ({
  name,
  given: { contract: READINGS, mapping: CSV, content, header: HEADER, ...extra },
  dqdl: null,
  splitBytes: Math.ceil(Buffer.from(content).length / 3),
})

/** Forms of one content, and content that no reader likes. */
function forms(): readonly SparkCase[] {
  const json = readings('{ format: json_lines, timezone: UTC }')
  const lines = Array.from({ length: 200 }, (_, i) => `{"sensor":"s${i % 90}","value":${i},"more":{"a":[${i}]}}`)
  return [
    form('byte order mark and CRLF', `\uFEFF${GOOD}`),
    form('UTF-16', Buffer.from(`\uFEFF${GOOD}`, 'utf16le'), { sample: { encoding: 'utf-16le' } }),
    form('Latin-1', Buffer.from(GOOD, 'latin1'), { sample: { encoding: 'latin-1' } }),
    form("Windows' code page", Buffer.from(`${GOOD}\x80\x8a\x81\x9f,1,\n`, 'latin1'), {
      sample: { encoding: 'windows-1252' },
    }),
    form('gzip', gzipSync(GOOD), { sample: { compression: 'gzip' } }),
    form('gzip, cut off', gzipSync(GOOD).subarray(0, -20), { sample: { compression: 'gzip' } }),
    form('no record', 'sensor,value,read_at\n'),
    form('an open quote', `${GOOD}x,"1,\n${'y,2,\n'.repeat(200)}`),
    form('an open quote in the last line', `${GOOD}x,"1,`),
    form('lone carriage returns', GOOD.replaceAll('\r\n', '\r')),
    form('over-long records', `${GOOD}l,${'9'.repeat(5000)},\n${GOOD.slice(21)}m,"${'x\n'.repeat(50_000)}",\nz,1,\n`),
    form('JSON lines', `${lines.join('\n')}\nno json\n[1]\n\n{"sensor":null}\n`, { mapping: json }),
    form('escapes', `${GOOD}"a\\"b",1,\n"c\\\\",2,\n"d\\e",3,\n"f" ,4,\n`, {
      mapping: readings('{ format: csv, timezone: UTC, escape: "\\\\" }'),
    }),
    form('random records', randomRecords(5, 40_000)),
    { ...form('random records, larger ranges', randomRecords(6, 400_000)), splitBytes: 90_000 },
  ]
}

async function otherFormats(): Promise<readonly SparkCase[]> {
  const select = `SELECT 'kö' || (i % 70) AS sensor, (i / 8)::DECIMAL(9,3) AS value, TIMESTAMP '2025-01-01' + to_seconds(i) AS read_at FROM range(500) t(i)`
  const [parquet, zstd] = [join(folder, 'readings.parquet'), join(folder, 'readings.csv.zst')]
  await withEngine(async (engine) => {
    await engine.run(`COPY (${select}) TO ${text(parquet)} (FORMAT parquet)`)
    await engine.run(`COPY (${select}) TO ${text(zstd)} (FORMAT csv, HEADER true, COMPRESSION zstd)`)
  })
  const array = JSON.stringify(Array.from({ length: 100 }, (_, i) => ({ sensor: `s${i % 40}`, value: i })))
  return [
    form('zstd', readFileSync(zstd), { sample: { compression: 'zstd' } }),
    form('Parquet', readFileSync(parquet), { mapping: readings('{ format: parquet, timezone: UTC }') }),
    form('JSON array', array, { mapping: readings('{ format: json_array, timezone: UTC }') }),
  ]
}

/** Many groups as one file: a column each, and a record a case that has a value in the column of its group only. */
function combined(name: string, groups: readonly OperatorGroup[]): SparkCase {
  const names = groups.map((_, index) => `v${index}`)
  const [first] = groups
  const documents = operatorDocuments({
    columns: groups.map((group, index) => columnOf(group, names[index] ?? '')),
    fields: groups.map(({ transform = [] }, index) => ({ source: names[index], target: names[index], transform })),
    timezone: first?.timezone,
  })
  const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`
  const records = groups.flatMap(({ cases }, column) =>
    cases.map(([input]) => names.map((_, index) => (index === column ? quoted(input) : '')).join(',')),
  )
  const content = `${names.join(',')}\n${records.join('\n')}\n`
  return { name, given: { ...documents, content }, dqdl: null, splitBytes: Math.ceil(content.length / 2) }
}

/** The operator tables, by time zone; groups of one column, or that require it, stand alone. */
function operators(): readonly SparkCase[] {
  const groups = OPERATOR_TABLES.flatMap(readOperatorTable)
  const together = groups.filter(({ required }) => required !== true)
  const zones = [...new Set(together.map(({ timezone }) => timezone))]
  return [
    ...zones.map((zone) =>
      combined(
        `operators, ${zone ?? 'no zone'}`,
        together.filter(({ timezone }) => timezone === zone),
      ),
    ),
    ...groups
      .filter(({ required }) => required === true)
      .map((group) => ({ name: `operator: ${group.about}`, given: caseOf(group), dqdl: null, splitBytes: 1 << 20 })),
  ]
}

/** All cases, the files of which are written anew and are the same each time. */
export const sparkCases = async (): Promise<readonly SparkCase[]> => [
  await orders('acme', 60_000, 0.02),
  await orders('globex', 60_000, 0.02),
  await publicDataset('birdstrikes', 'skywatch', null),
  await publicDataset('birdstrikes-faa', 'fieldbook', null),
  await publicDataset('flights', 'skywatch', 200_000),
  ...forms(),
  ...(await otherFormats()),
  ...operators(),
]
