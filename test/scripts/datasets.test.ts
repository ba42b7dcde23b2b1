import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parse } from 'csv-parse/sync'
import { parseMapping } from '../../core/parse-mapping.ts'
import { type Duckdb, openDuckdb } from '../../glue/duckdb.ts'
import { type DatasetForm, writeDataset } from '../../scripts/dataset-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'sluice-datasets-'))
let engine: Duckdb

beforeAll(async () => {
  engine = await openDuckdb({ threads: 2, memoryLimitBytes: 1 << 28, tempDirectory: folder })
})

afterAll(() => {
  engine.close()
  rmSync(folder, { recursive: true, force: true })
})

async function write(form: DatasetForm, file: string, rows: number | null = null) {
  const out = join(folder, file)
  const written = await writeDataset(engine, { form, out, rows })
  const content = readFileSync(out, 'utf8')
  return { written, content, records: parse(content) as string[][] }
}

const sourcesOf = (file: string): string[] => {
  const mapping = parseMapping(readFileSync(`contracts/mappings/${file}`, 'utf8'), file)
  if (!mapping.ok) throw new Error(JSON.stringify(mapping.problems))
  return mapping.value.fields.flatMap(({ sources }) => sources)
}

describe('birdstrikes in the form of the FAA’s own tables', () => {
  test('has every column that the mapping of that form reads, and all reports in their order', async () => {
    const own = await write('birdstrikes', 'own.csv')
    const faa = await write('birdstrikes-faa', 'faa.csv')
    expect([own.written, faa.written]).toEqual([10_000, 10_000])
    expect(faa.records[0]).toEqual(expect.arrayContaining(sourcesOf('fieldbook.birdstrikes.yaml')))
    expect(own.records[0]).toEqual(sourcesOf('skywatch.birdstrikes.yaml'))
    expect(faa.records.slice(1).map((record) => record[0])).toEqual(own.records.slice(1).map((record) => record[0]))
  })

  test('writes dates with an empty time, marks between thousands, and text with commas in quotes', async () => {
    const { content, records } = await write('birdstrikes-faa', 'faa.csv')
    const [header = [], first = []] = records
    expect(first[header.indexOf('FlightDate')]).toBe('1/8/90 0:00')
    expect(content).toContain(',"4,175",')
    expect(content).toContain(',"TURKEY VULTURE, CLIMB, DAMAGE: NONE"')
  })

  test('leaves out the speed that a report does not tell', async () => {
    const { records } = await write('birdstrikes-faa', 'faa.csv')
    const speed = records[0]?.indexOf('Speed (IAS) in knots') ?? -1
    expect(records.filter((record) => record[speed] === '')).toHaveLength(2836)
  })
})

describe('every dataset', () => {
  test('flights are written with their wall time, as many as asked for', async () => {
    const { written, records } = await write('flights', 'flights.csv', 3)
    expect(written).toBe(3)
    expect(records).toEqual([
      sourcesOf('skywatch.flights.yaml'),
      ['2001-01-01 00:01:00', '33', '2176', 'LAS', 'PHL'],
      ['2001-01-01 00:01:00', '19', '215', 'ATL', 'SAV'],
      ['2001-01-01 00:01:00', '14', '405', 'MCI', 'MDW'],
    ])
  })

  test('is the same bytes each time it is written', async () => {
    const digest = async (form: DatasetForm, file: string) =>
      createHash('sha256')
        .update((await write(form, file, 50_000)).content)
        .digest('hex')
    for (const form of ['birdstrikes-faa', 'flights'] as const)
      expect(await digest(form, 'once.csv')).toBe(await digest(form, 'again.csv'))
  })
})
