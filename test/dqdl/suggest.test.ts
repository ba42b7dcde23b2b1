import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { evaluateRuleset } from '../../dqdl/evaluate.ts'
import { formatRuleset } from '../../dqdl/format.ts'
import { lintRuleset } from '../../dqdl/lint.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { printSuggested, type Suggested, suggestRules } from '../../dqdl/suggest/suggest.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { NOW, openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const CONTRACT = { columns: ['order_id', 'line'], key: ['order_id', 'line'] }

async function suggest(data: string, contract: typeof CONTRACT | null = null): Promise<Suggested> {
  await engine.run(`CREATE OR REPLACE TEMP TABLE suggested_from AS ${data}`)
  const described = await engine.rows('DESCRIBE suggested_from')
  const columns = described.map((row) => ({ name: String(row.column_name), duckdbType: String(row.column_type) }))
  return suggestRules({ relation: 'suggested_from', columns, contract, now: NOW }, engine)
}
const rulesOf = ({ suggestions }: Suggested): string[] =>
  suggestions.map(({ rule, severity }) => (severity === 'gate' ? rule : `${rule} (warn)`))

/** Suggestions that do not hold on their own data, with what the evaluation says. */
async function broken(suggested: Suggested): Promise<string[]> {
  const text = printSuggested(suggested, 'data')
  const errors = lintRuleset(text).filter(({ severity }) => severity === 'error')
  const { result } = await evaluateRuleset(
    { ruleset: requireRuleset(text), relation: 'suggested_from', now: NOW },
    engine,
  )
  const failing = result.RuleResults.filter(({ Result }) => Result !== 'PASS')
  return [
    ...(formatRuleset(text) === text ? [] : ['the text is not in the canonical form']),
    ...errors.map(({ message }) => `lint: ${message}`),
    ...failing.map(({ Description, Result, EvaluationMessage }) => `${Result} ${Description}: ${EvaluationMessage}`),
  ]
}

const ORDERS = (factor: number): string => `SELECT 'o-' || lpad(range::VARCHAR, 5, '0') AS order_id,
  ['EUR', 'USD', 'AUD'][1 + range % 3] AS currency,
  CASE WHEN range % 4 > 0 THEN 'someone' || range || '@example.org' END AS email,
  (${factor} * (10 + range % 90))::DECIMAL(12,2) AS amount,
  DATE '2026-03-01' - (range % 20)::INTEGER AS ordered_on,
  'a note of ' || repeat('x', (range % 70)::INTEGER) AS note
  FROM range(200)`

describe('dq suggest', () => {
  test('proposes rules of each kind with the reason and the figure that was observed', async () => {
    const suggested = await suggest(ORDERS(1))
    expect(rulesOf(suggested)).toEqual([
      'RowCount > 0',
      'RowCount between 100 and 400 (warn)',
      'IsComplete "order_id"',
      'IsPrimaryKey "order_id"',
      'ColumnValues "order_id" matches "[a-z]-[0-9]{5}" (warn)',
      'IsComplete "currency"',
      'ColumnValues "currency" in ["AUD","EUR","USD"] (warn)',
      'Completeness "email" > 0.7 (warn)',
      'ColumnValues "email" matches "[^@ ]+@[^@ ]+" where "`email` is not null" (warn)',
      'ColumnLength "email" <= 44 (warn)',
      'IsComplete "amount"',
      'ColumnValues "amount" >= 0',
      'ColumnValues "amount" < 190 (warn)',
      'Mean "amount" between 17 and 160 (warn)',
      'IsComplete "ordered_on"',
      'ColumnValues "ordered_on" > "2025-12-31"',
      'ColumnValues "ordered_on" <= now() (warn)',
      'DataFreshness "ordered_on" < 59 days (warn)',
      'IsComplete "note"',
      'ColumnLength "note" between 0 and 161 (warn)',
    ])
    expect(suggested.suggestions.find(({ rule }) => rule.startsWith('Mean'))).toMatchObject({
      reason: 'the mean is 51; values of another unit or meaning move it',
      observed: { 'Column.amount.Mean': 51 },
    })
    expect(await broken(suggested)).toEqual([])
  })

  test('SCH-29: what was suggested from amounts in units fires on amounts in cents', async () => {
    const ruleset = requireRuleset(printSuggested(await suggest(ORDERS(1)), 'orders'))
    await engine.run(`CREATE OR REPLACE TEMP TABLE cents AS ${ORDERS(100)}`)
    const { result } = await evaluateRuleset({ ruleset, relation: 'cents', now: NOW }, engine)
    const fired = result.RuleResults.filter(({ Result }) => Result !== 'PASS').map(({ Description }) => Description)
    expect(fired).toEqual(['ColumnValues "amount" < 190', 'Mean "amount" between 17 and 160'])
  })

  test('tries the key of a contract as a whole and keeps to its columns', async () => {
    const data = 'SELECT range // 2 AS order_id, range % 2 AS line, range AS other, 7 AS job_id FROM range(40)'
    const suggested = await suggest(data, CONTRACT)
    expect(rulesOf(suggested)).toContain('IsPrimaryKey "order_id" "line"')
    expect(rulesOf(suggested).filter((rule) => rule.includes('other') || rule.includes('job_id'))).toEqual([])
    expect(await broken(suggested)).toEqual([])
  })

  test('columns of any type of the engine are looked at or left alone', async () => {
    const data = `SELECT {'a': range} AS s, [range] AS l, range % 2 = 0 AS b, TIME '10:00:00' AS t, INTERVAL 1 DAY AS i, 'x'::BLOB AS bl,
      uuid() AS u, ('{"a":' || range || '}')::JSON AS j, range::HUGEINT AS h, range::UTINYINT AS ut, '101'::BIT AS bi,
      now() AS tz, CASE WHEN range > 3 THEN MAP([1], [range]) END AS m, 'a'::ENUM('a', 'b') AS e FROM range(50)`
    const suggested = await suggest(data)
    expect(rulesOf(suggested)).toContain('Completeness "m" > 0.87 (warn)')
    expect(await broken(suggested)).toEqual([])
  })

  test('suggests nothing where there is no row, and leaves out columns that no rule can name', async () => {
    expect(await suggest('SELECT 1 AS a WHERE false')).toMatchObject({ rows: 0, suggestions: [] })
    const odd = await suggest(`SELECT 1 AS "a ""b""", 2 AS "2026-01-01", 3 AS "with.dot", 4 AS "Ünï code"`)
    expect(odd.unnamable).toEqual(['a "b"', '2026-01-01'])
    expect(rulesOf(odd)).toContain('IsComplete "`with.dot`"')
    expect(await broken(odd)).toEqual([])
  })
})

/** A generator of numbers from 0 to 1 with a seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** SQL of values of every kind that rules look at, most of them awkward. */
const KINDS: readonly ((random: () => number) => string)[] = [
  (random) => `${Math.floor((random() - 0.5) * 10)}::INTEGER`,
  (random) => `${Math.floor(random() * 9)}::BIGINT * 1000000000000000000`,
  (random) => `${((random() - 0.2) * 10 ** Math.floor(random() * 12 - 4)).toFixed(6)}::DOUBLE`,
  (random) => `${['1e-300', '1e300', '-1e300', '0.1', '-0.0', '5e-324'][Math.floor(random() * 6)]}::DOUBLE`,
  (random) => `'${['NaN', 'Infinity', '1.5', '2'][Math.floor(random() * 4)]}'::DOUBLE`,
  (random) => `${(random() * 1000).toFixed(2)}::DECIMAL(9,2)`,
  (random) => `${(random() * 99 - 50).toFixed(4)}::DECIMAL(38,4) * 1000000000000000000000000`,
  (random) => `'${['EUR', 'USD', '', "it''s", 'a "quote"', 'back\\slash', ' '][Math.floor(random() * 7)]}'`,
  (random) => `'${['2026-01-01', '07:45', '7:45 PM', 'x'][Math.floor(random() * 4)]}'`,
  (random) => `'${['1', '12', ' 5', '+7', '2.5', '1e3', '0x10'][Math.floor(random() * 7)]}'`,
  (random) => `'${['2024-02-30', '2024-02-29', '2024', '2024-05-01 10:00'][Math.floor(random() * 4)]}'`,
  (random) => `'${['A-1[x]', 'B-2[y]', 'ß-3', 'Ω', 'line\nbreak', 'tab\there'][Math.floor(random() * 6)]}'`,
  (random) => `'${String.fromCharCode(65 + Math.floor(random() * 26))}${Math.floor(random() * 9)}.^$'`,
  (random) => `DATE '${1900 + Math.floor(random() * 200)}-02-28'`,
  (random) => `${random() < 0.2 ? "'infinity'" : "'0044-03-15 (BC) 10:00:00'"}::TIMESTAMP`,
  (random) => `TIMESTAMP '2026-03-10 11:${String(Math.floor(random() * 60)).padStart(2, '0')}:00'`,
  (random) => `${random() < 0.5}`,
  (random) => `'${random().toString(36).slice(2, 6)}@example.org'`,
]
const NAMES = ['id', 'a b', 'X.y', 'B', 'between', 'naïve', 'order_id', 'c7']

function randomTable(seed: number): string {
  const random = generator(seed)
  const columns = NAMES.slice(0, 1 + Math.floor(random() * NAMES.length)).map((name) => {
    const kind = KINDS[Math.floor(random() * KINDS.length)] ?? (() => '1')
    const nulls = random() < 0.5 ? 0 : random()
    return { name, value: () => (random() < nulls ? 'NULL' : kind(random)) }
  })
  const rows = Array.from(
    { length: 1 + Math.floor(random() * 40) },
    () => `SELECT ${columns.map(({ name, value }) => `${value()} AS "${name}"`).join(', ')}`,
  )
  return rows.join(' UNION ALL ')
}

describe('suggestions hold on the data they came from', () => {
  test.each(['airports', 'birdstrikes', 'seattle-weather'])('%s', async (name) => {
    expect(await broken(await suggest(`FROM 'node_modules/vega-datasets/data/${name}.csv'`))).toEqual([])
  })

  test.each(Array.from({ length: 8 }, (_, index) => index))('tables of seed %i', async (block) => {
    for (let seed = block * 5; seed < block * 5 + 5; seed += 1)
      expect([seed, await broken(await suggest(randomTable(seed)))]).toEqual([seed, []])
  })
})
