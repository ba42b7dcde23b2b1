import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { openDuckdb } from '../../glue/duckdb.ts'
import { text } from '../../glue/sql/literals.ts'
import { type Case, contractOf, runCase, SETTINGS } from './harness.ts'
import { READINGS, readings } from './readings.ts'

const CSV = 'sensor,value,read_at\nköln,1.5,2025-01-01T00:00:00Z\nb,"2",\n'
const ROWS = [
  { sensor: 'köln', value: 1.5, read_at: '2025-01-01 00:00:00' },
  { sensor: 'b', value: 2, read_at: null },
]
const COLUMNS = 'sensor, value, read_at'
const csv = readings('{ format: csv, timezone: UTC }')

async function parquetOf(select: string): Promise<Buffer> {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-parquet-')), 'file.parquet')
  const engine = await openDuckdb(SETTINGS)
  try {
    await engine.run(`COPY (${select}) TO ${text(path)} (FORMAT parquet)`)
  } finally {
    engine.close()
  }
  return readFileSync(path)
}

describe('forms of input', () => {
  const utf16 = Buffer.from(`\uFEFF${CSV}`, 'utf16le')
  const forms: readonly (readonly [string, string | Buffer, Partial<Case['sample']>])[] = [
    ['UTF-8 with a byte order mark', `\uFEFF${CSV}`, {}],
    ['lines that end in CRLF', CSV.replaceAll('\n', '\r\n'), {}],
    ['lines that end in CR', CSV.replaceAll('\n', '\r'), {}],
    ['line ends of several kinds', CSV.replace('\n', '\r\n'), {}],
    ['blank lines', `\n\n${CSV.replaceAll('\n', '\n\n')}`, {}],
    ['no line end at the end', CSV.trimEnd(), {}],
    ['UTF-16 little endian', utf16, { encoding: 'utf-16le' }],
    ['UTF-16 big endian', Buffer.from(utf16).swap16(), { encoding: 'utf-16be' }],
    ['Latin-1', Buffer.from(CSV, 'latin1'), { encoding: 'latin-1' }],
    ["Windows' code page", Buffer.from(CSV, 'latin1'), { encoding: 'windows-1252' }],
    ['gzip, whatever the name says', gzipSync(CSV), {}],
  ]
  for (const [form, content, sample] of forms)
    test(`VAL-05, VAL-12: reads csv in ${form}`, async () => {
      const header = ['sensor', 'value', 'read_at']
      const ran = await runCase({ contract: READINGS, mapping: csv, content, header, sample })
      expect(ran.summary.counts).toEqual({ input: 2, curated: 2, rejected: 0, duplicates: 0 })
      expect(await ran.curated(COLUMNS)).toEqual(ROWS)
    })

  test('VAL-05: reads the letters that Windows has where Latin-1 has controls', async () => {
    const content = Buffer.from('sensor,value,read_at\n\x80\x8a\x93\x81,1,\n', 'latin1')
    const header = ['sensor', 'value', 'read_at']
    const ran = await runCase({
      contract: READINGS,
      mapping: csv,
      content,
      header,
      sample: { encoding: 'windows-1252' },
    })
    expect(await ran.curated('sensor')).toEqual([{ sensor: '€Š“\u0081' }])
  })

  test('reads csv of another delimiter and quote without a header', async () => {
    const input =
      "{ format: csv, delimiter: '|', quote: \"'\", header: false, columns: [sensor, value, read_at], timezone: UTC }"
    const content = "'a|b'|1.5|2025-01-01T00:00:00Z\n"
    const ran = await runCase({
      contract: READINGS,
      mapping: readings(input),
      content,
      header: ['sensor', 'value', 'read_at'],
    })
    expect(await ran.curated('sensor, value')).toEqual([{ sensor: 'a|b', value: 1.5 }])
  })

  test('VAL-21: reads JSON lines and keeps lines that are no object as rejects', async () => {
    const content = [
      '{"sensor": "köln", "value": 1.50, "read_at": "2025-01-01T00:00:00Z", "extra": {"a": [1, 2]}, "none": null}',
      '',
      '{"sensor": "b", "value": "2"}',
      '{"sensor": ',
      '[1]',
      '{"sensor": null}',
    ].join('\n')
    const header = ['sensor', 'value', 'read_at']
    const ran = await runCase({
      contract: READINGS,
      mapping: readings('{ format: json_lines, timezone: UTC }'),
      content,
      header,
    })
    expect(ran.summary.counts).toEqual({ input: 5, curated: 2, rejected: 3, duplicates: 0 })
    expect(await ran.curated(COLUMNS)).toEqual(ROWS)
    expect(await ran.curated('_rescued, record_number')).toEqual([
      { _rescued: '{"extra":{"a":[1,2]},"none":null}', record_number: 1 },
      { _rescued: null, record_number: 2 },
    ])
    expect(await ran.rejects('record_number, codes, raw')).toEqual([
      { record_number: 3, codes: 'malformed_json', raw: '{"sensor": ' },
      { record_number: 4, codes: 'malformed_json', raw: '[1]' },
      { record_number: 5, codes: 'required_missing', raw: '{"sensor": null}' },
    ])
  })

  test('a member that first appears behind the sample is mapped all the same', async () => {
    const content = '\uFEFF{"sensor": "a"}\r\n{"sensor": "b", "value": 2}\r\n'
    const json = readings('{ format: json_lines, timezone: UTC }')
    const ran = await runCase({ contract: READINGS, mapping: json, content, header: ['sensor'] })
    expect(await ran.curated('sensor, value, _rescued')).toEqual([
      { sensor: 'a', value: null, _rescued: null },
      { sensor: 'b', value: 2, _rescued: null },
    ])
  })

  test('reads a JSON array, and refuses one that is broken off', async () => {
    const content =
      '[{"sensor": "köln", "value": 1.5, "read_at": "2025-01-01T00:00:00Z"},\n {"sensor": "b", "value": 2}]'
    const array = {
      contract: READINGS,
      mapping: readings('{ format: json_array, timezone: UTC }'),
      header: ['sensor', 'value', 'read_at'],
    }
    const ran = await runCase({ ...array, content })
    expect(ran.summary.counts).toEqual({ input: 2, curated: 2, rejected: 0, duplicates: 0 })
    expect(await ran.curated(COLUMNS)).toEqual(ROWS)
    const broken = await runCase({ ...array, content: content.slice(0, -8) })
    expect(broken.summary).toMatchObject({ outcome: 'refused', reasonCode: 'malformed_records' })
  })

  test('reads Parquet with its own types', async () => {
    const content = await parquetOf(
      "SELECT * FROM (VALUES ('köln', 1.5::DECIMAL(4,1), TIMESTAMP '2025-01-01'), ('b', 2, NULL)) t(sensor, value, read_at)",
    )
    const header = ['sensor', 'value', 'read_at']
    const ran = await runCase({
      contract: READINGS,
      mapping: readings('{ format: parquet, timezone: UTC }'),
      content,
      header,
    })
    expect(ran.summary.counts).toEqual({ input: 2, curated: 2, rejected: 0, duplicates: 0 })
    expect(await ran.curated(COLUMNS)).toEqual(ROWS)
  })

  test('a list or a struct of Parquet is JSON, for a column of that type and for what is rescued', async () => {
    const content = await parquetOf(
      "SELECT 'a' AS sensor, [1.5, 2] AS tags, {'x': 'é', 'y': NULL} AS place, MAP {'k': 1} AS more UNION ALL SELECT 'b', NULL, NULL, NULL",
    )
    const contract = contractOf(`
contract: 1
dataset: readings
version: 1
columns: [{ name: sensor, type: string(9) }, { name: tags, type: json }, { name: place, type: json }]
key: none
`)
    const fields = ['sensor', 'tags', 'place'].map((target) => ({ sources: [target], target, transforms: [] }))
    const parquet = { ...readings('{ format: parquet }'), fields }
    const header = ['sensor', 'tags', 'place', 'more']
    const ran = await runCase({ contract, mapping: parquet, content, header })
    expect(await ran.curated('sensor, tags, place, _rescued')).toEqual([
      { sensor: 'a', tags: '[1.5,2.0]', place: '{"x":"é","y":null}', _rescued: expect.stringContaining('k') },
      { sensor: 'b', tags: null, place: null, _rescued: null },
    ])
  })

  test('of one column an empty line is no record, and an empty quoted field is one without a value', async () => {
    const contract = contractOf(`
contract: 1
dataset: readings
version: 1
columns: [{ name: sensor, type: string(9) }]
key: none
`)
    const one = { ...csv, fields: [{ sources: ['sensor'], target: 'sensor', transforms: [{ name: 'trim' as const }] }] }
    for (const end of ['\n', '\r\n', '\r']) {
      const content = ['sensor', '   ', 'a', '', ' b ', '""', ' ""', '', ''].join(end)
      const ran = await runCase({ contract, mapping: one, content })
      expect(ran.summary.counts).toEqual({ input: 5, curated: 5, rejected: 0, duplicates: 0 })
      expect((await ran.curated('sensor')).map(({ sensor }) => sensor)).toEqual([null, 'a', 'b', null, null])
    }
  })

  test('refuses gzip that is cut off or damaged', async () => {
    const whole = gzipSync(CSV.repeat(100))
    const gzip = { contract: READINGS, mapping: csv, header: ['sensor', 'value', 'read_at'] }
    const cut = await runCase({ ...gzip, content: whole.subarray(0, whole.length - 20) })
    expect(cut.summary).toMatchObject({ outcome: 'refused', reasonCode: 'truncated_upload' })
    const damaged = await runCase({ ...gzip, content: Buffer.concat([whole.subarray(0, 12), Buffer.alloc(40, 0xff)]) })
    expect(damaged.summary).toMatchObject({ outcome: 'refused', reasonCode: 'malformed_records' })
  })

  test('VAL-13: refuses content that expands beyond the contract, without expanding it whole', async () => {
    const content = gzipSync(`sensor,value,read_at\n${'a,1,\n'.repeat(8_000_000)}`)
    const ran = await runCase({ contract: READINGS, mapping: csv, content, header: ['sensor', 'value', 'read_at'] })
    expect(ran.summary).toMatchObject({ outcome: 'refused', reasonCode: 'compression_bomb' })
  })
})

describe('records that cannot be split', () => {
  const header = ['sensor', 'value', 'read_at']
  const run = (content: string | Buffer): ReturnType<typeof runCase> =>
    runCase({ contract: READINGS, mapping: csv, content, header })

  test('an open quote on the last line is one reject; one that swallowed lines refuses the file', async () => {
    const last = await run('sensor,value,read_at\na,1,\nb,"2,\n'.trimEnd())
    expect(last.summary.counts).toEqual({ input: 2, curated: 1, rejected: 1, duplicates: 0 })
    expect(await last.rejects('record_number, codes, raw')).toEqual([
      { record_number: 2, codes: 'unclosed_quote', raw: 'b,"2,' },
    ])
    const more = await run('sensor,value,read_at\na,1,\nb,"2,\nc,3,\n')
    expect(more.summary).toMatchObject({ outcome: 'refused', reasonCode: 'malformed_records' })
  })

  test('VAL-11: a record that is too long and one of invalid bytes are rejects, and the numbers after them stay true', async () => {
    const long = `l,${'9'.repeat(5000)},`
    const content = Buffer.concat([
      Buffer.from(`sensor,value,read_at\na,1,\n${long}\nb`),
      Buffer.from([0xff, 0xfe]),
      Buffer.from(',2,\nc,3,\n'),
    ])
    const ran = await run(content)
    expect(ran.summary.counts).toEqual({ input: 4, curated: 2, rejected: 2, duplicates: 0 })
    expect(await ran.rejects('record_number, codes')).toEqual([
      { record_number: 2, codes: 'row_too_long' },
      { record_number: 3, codes: 'bad_encoding' },
    ])
    expect(await ran.curated('sensor, record_number')).toEqual([
      { sensor: 'a', record_number: 1 },
      { sensor: 'c', record_number: 4 },
    ])
  })

  test('QUA-04: a record of 10 MB is kept to the configured limit, with the hash of the whole', async () => {
    const record = `${'x'.repeat(10_000_000)},1,2026-01-01`
    const sha256 = createHash('sha256').update(record).digest('hex')
    for (const ending of ['\n', '\r\n', '\r', '']) {
      const ran = await runCase({
        contract: { ...READINGS, limits: { ...READINGS.limits, rawCharacters: 100 } },
        mapping: csv,
        content: `sensor,value,read_at\na,1,2026-01-01T00:00:00Z\n${record}${ending}`,
      })
      expect(await ran.rejects()).toEqual([
        expect.objectContaining({ codes: 'row_too_long', raw: 'x'.repeat(100), raw_sha256: sha256 }),
      ])
    }
  })

  test('QUA-04: of a record that can be split the columns are kept to the limit, with the hash of them all', async () => {
    const ran = await runCase({
      contract: { ...READINGS, limits: { ...READINGS.limits, rawCharacters: 20 } },
      mapping: csv,
      content: `sensor,value,read_at\n${'x'.repeat(50)},many,2026-01-01T00:00:00Z\n`,
    })
    const whole = JSON.stringify({ sensor: 'x'.repeat(50), value: 'many', read_at: '2026-01-01T00:00:00Z' })
    expect(await ran.rejects()).toEqual([
      expect.objectContaining({
        raw: whole.slice(0, 20),
        raw_sha256: createHash('sha256').update(whole).digest('hex'),
      }),
    ])
  })

  test('QUA-02: the sample holds the first 10,000 rejects in the order of the file, and fewer where their errors are long', async () => {
    const sampleOf = async (content: string): Promise<readonly { record_number: number }[]> => {
      const ran = await runCase({ contract: READINGS, mapping: csv, content })
      const uri = ran.plan.destinations.rejectSample.replace('{runId}', ran.summary.runId)
      return JSON.parse(await ran.objects.readText(uri))
    }
    const many = await sampleOf(`sensor,value,read_at\n${'a,many,\n'.repeat(12_000)}`)
    expect(many.map(({ record_number }) => record_number)).toEqual(
      Array.from({ length: 10_000 }, (_, index) => index + 1),
    )
    const long = await sampleOf(`sensor,value,read_at\n${`${'x'.repeat(1500)},${'y'.repeat(400)},\n`.repeat(7_500)}`)
    expect(long.length).toBeLessThan(7_500)
    expect(JSON.stringify(long).length).toBeLessThan(32 * 1024 * 1024)
  })

  test('QUA-04: the sample of rejects holds at most 1,024 characters of a record', async () => {
    const ran = await run(`sensor,value,read_at\n${'x'.repeat(1500)},1\n`)
    const sample = JSON.parse(
      await ran.objects.readText(ran.plan.destinations.rejectSample.replace('{runId}', ran.summary.runId)),
    )
    expect(sample[0].raw).toHaveLength(1024)
  })

  test('a file with a header and no record completes with no rows', async () => {
    const ran = await run('sensor,value,read_at\n')
    expect(ran.summary).toMatchObject({ outcome: 'ok', counts: { input: 0, curated: 0, rejected: 0, duplicates: 0 } })
    expect(ran.manifest().meta.record_count).toBe(0)
  })
})
