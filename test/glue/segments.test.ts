import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { parseColumnType } from '../../core/column-type.ts'
import { digestOf } from '../../core/digest.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import type { Program } from '../../glue/program.ts'
import { texts } from '../../glue/sql/literals.ts'
import { type Case, type RanCase, runCase, SETTINGS } from './harness.ts'
import { READINGS, readings } from './readings.ts'

/** With a text that makes records long, so that few of them fill a segment. */
const contract = (key: readonly string[]): Case['contract'] => ({
  ...READINGS,
  columns: [
    ...READINGS.columns,
    {
      name: 'note',
      type: parseColumnType('string(400)'),
      required: false,
      description: null,
      pattern: null,
      values: null,
    },
  ],
  key,
  load: key.length === 0 ? 'replace_source' : 'merge',
  eventTime: null,
  limits: { ...READINGS.limits, bytes: 100_000_000, rowBytes: 4000, compressionRatio: 1000 },
})
const mapping = (input: string): Case['mapping'] => {
  const { fields, ...rest } = readings(input)
  return { ...rest, fields: [...fields, { sources: ['note'], target: 'note', transforms: [] }] }
}

const COLUMNS = ['sensor', 'value', 'read_at', 'note']
const NOTE = 'n'.repeat(150)

/** Of ten thousand records a few of every kind: repeated keys far apart, values that do not fit, records that cannot be split. */
function lineOf(index: number): string {
  if (index % 997 === 5) return 'too,few'
  if (index % 1999 === 7) return `s${index},1.5,2025-01-01T00:00:00Z,"closed" and on`
  const sensor = index % 211 === 3 ? '' : index % 101 === 1 ? `r${index % 505}` : ` s${index}`
  const value = index % 307 === 4 ? '1.555' : '2.5'
  const note = index % 53 === 2 ? `"two\nlines, ""quoted"" ${NOTE}"` : NOTE
  return `${sensor},${value},2025-01-0${1 + (index % 9)}T00:00:00Z,${note}`
}
const LINES = Array.from({ length: 11_000 }, (_, index) => lineOf(index))
const CSV = `${COLUMNS.join(',')}\n${LINES.join('\n')}\n`

/** Rows of all curated files in the order of their record numbers, as text. */
async function curatedOf(ran: RanCase): Promise<unknown> {
  const files = ran.manifest().entries.map(({ url }) => ran.objects.path(url))
  const engine = await openDuckdb(SETTINGS)
  try {
    const rows = `SELECT * FROM read_parquet([${texts(files)}], hive_partitioning = false) ORDER BY record_number`
    return await engine.rows(`SELECT count(*) AS n, md5(string_agg(CAST(r AS VARCHAR), '|')) AS rows FROM (${rows}) r`)
  } finally {
    engine.close()
  }
}

const bytesOf = (ran: RanCase): readonly string[] =>
  ran.manifest().entries.map(({ url }) => digestOf(readFileSync(ran.objects.path(url))))

const jsonLines = LINES.map((line, index) =>
  index % 997 === 5 ? 'no json' : JSON.stringify({ sensor: `s${index % 10_500}`, value: '2.5', note: line }),
).join('\n')

describe('a file that is larger than memory', () => {
  const csv = mapping('{ format: csv, timezone: UTC }')
  const keyed = contract(['sensor'])
  const forms: readonly (readonly [string, Case])[] = [
    ['with a key', { contract: keyed, mapping: csv, content: CSV }],
    ['without a key', { contract: contract([]), mapping: csv, content: CSV }],
    [
      'with a byte order mark and blank lines',
      { contract: keyed, mapping: csv, content: `\uFEFF\n${CSV.replaceAll('\nr', '\n\nr')}` },
    ],
    ['with line ends of two kinds', { contract: keyed, mapping: csv, content: CSV.replaceAll('0Z,n', '0Z,\rn') }],
    [
      'with keys that mostly stand twice',
      { contract: keyed, mapping: csv, content: CSV.replaceAll(/\n s\d+(\d\d\d),/g, '\nt$1,') },
    ],
    ['compressed', { contract: keyed, mapping: csv, content: gzipSync(CSV) }],
    [
      'without a header',
      {
        contract: keyed,
        mapping: mapping('{ format: csv, timezone: UTC, header: false, columns: [sensor, value, read_at, note] }'),
        content: LINES.join('\n'),
      },
    ],
    [
      'of JSON lines',
      { contract: keyed, mapping: mapping('{ format: json_lines, timezone: UTC }'), content: jsonLines },
    ],
    [
      'of a JSON array',
      {
        contract: keyed,
        mapping: mapping('{ format: json_array, timezone: UTC }'),
        content: JSON.stringify(
          LINES.map((note, index) => ({ sensor: `s${index % 10_500}`, value: index % 90 === 0 ? 'x' : '2.5', note })),
        ),
      },
    ],
  ]
  for (const [form, plain] of forms)
    test(`TRF-10: ${form} gives the same rows, rejects and counts in segments as in memory`, async () => {
      const given = { ...plain, header: COLUMNS }
      const whole = await runCase(given)
      const cut = await runCase({ ...given, sizeBytes: 20 << 20, segmentBytes: 1 })
      expect(whole.summary.counts.rejected).toBeGreaterThan(0)
      expect(cut.summary.counts).toEqual(whole.summary.counts)
      expect(cut.summary.rejectCodes).toEqual(whole.summary.rejectCodes)
      expect(cut.summary.contentHash).toBe(whole.summary.contentHash)
      expect(await curatedOf(cut)).toEqual(await curatedOf(whole))
      expect(await cut.rejects()).toEqual(await whole.rejects())
    })

  test('TRF-11, TEST-18: the same file in segments gives the same bytes again, file by file', async () => {
    const given = { contract: keyed, mapping: csv, content: CSV, sizeBytes: 20 << 20, segmentBytes: 1 }
    const [first, second] = [await runCase(given), await runCase(given)]
    expect(first.summary.files).toBeGreaterThan(2)
    expect(bytesOf(second)).toEqual(bytesOf(first))
  })

  test('the manifest lists every file with its rows, and their sum', async () => {
    const ran = await runCase({ contract: keyed, mapping: csv, content: CSV, sizeBytes: 20 << 20, segmentBytes: 1 })
    const { entries, meta } = ran.manifest()
    expect(entries.map(({ url }) => url.slice(-18))).toEqual(entries.map((_, index) => `part-0000${index}.parquet`))
    expect(entries.reduce((sum, entry) => sum + entry.meta.record_count, 0)).toBe(ran.summary.counts.curated)
    expect(meta).toEqual({ content_length: ran.summary.bytes, record_count: ran.summary.counts.curated })
  })

  test.each([
    ['with a key', ['sensor']],
    ['without a key', []],
  ])('a record that the engine does not see is noticed %s', async (_, key) => {
    const unseen = (parse: string): string => `SELECT * FROM (${parse}) WHERE sensor IS DISTINCT FROM 's300'`
    const program = ({ parse, segments, ...rest }: Program): Program => ({
      ...rest,
      parse: unseen(parse),
      segments: { ...segments, parseKeys: segments.parseKeys === null ? null : unseen(segments.parseKeys) },
    })
    const given = { contract: contract(key), mapping: csv, content: CSV, sizeBytes: 20 << 20, segmentBytes: 1, program }
    const { summary } = await runCase(given)
    expect(summary).toMatchObject({ outcome: 'refused', reasonCode: 'counts_do_not_reconcile', manifest: null })
  })

  test('a quote that swallows the rest of the file refuses it', async () => {
    const content = `${CSV}x,1,,"open\n${LINES.join('\n').replaceAll('"', '')}`
    const ran = await runCase({ contract: keyed, mapping: csv, content, sizeBytes: 20 << 20, segmentBytes: 1 })
    expect(ran.summary).toMatchObject({ outcome: 'refused', reasonCode: 'malformed_records', manifest: null })
  })

  test('a file that is cut off within its compression is refused', async () => {
    const content = gzipSync(CSV)
    const given = { contract: keyed, mapping: csv, header: COLUMNS, sizeBytes: 20 << 20, segmentBytes: 1 }
    const ran = await runCase({ ...given, content: content.subarray(0, content.length - 20) })
    expect(ran.summary).toMatchObject({ outcome: 'refused', reasonCode: 'truncated_upload' })
  })
})
