import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { globOf } from '../../dqdl/fixed-pattern.ts'
import { literal } from '../../dqdl/sql.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { openEngine } from './engine.ts'

let engine: Duckdb
beforeAll(async () => {
  engine = await openEngine()
})
afterAll(() => engine.close())

const PATTERNS = [
  'O[0-9]{2}',
  'a',
  '[A-Z]{2}-\\d{1}',
  'x\\.y',
  '[a-c_]{3}',
  '\\(\\d\\)',
  'A-{2}b',
  "it's",
  '[0-9A-Fa-f]{2}',
]
const TEXTS = [
  ...['O12', 'O1', 'O123', 'o12', 'O1٣', 'O12\n', 'a', 'A', '', ' a', 'AB-7', 'AB-', 'ÄB-7', 'x.y', 'xay', 'x\\.y'],
  ...[
    'abc',
    'a_c',
    'abd',
    'a-c',
    '(3)',
    '[3]',
    '3',
    'A--b',
    'A-b',
    "it's",
    'its',
    'fF',
    'f!',
    '0g',
    'O[0-9]{2}',
    '*',
    '??',
  ],
]

test('patterns of fixed length are compared by a glob, with the answers of the regular expression', async () => {
  for (const pattern of PATTERNS) {
    const [glob, whole] = [literal(globOf(pattern) ?? ''), literal(pattern)]
    const rows = await engine.rows(
      `SELECT t FROM (SELECT unnest([${TEXTS.map(literal).join(', ')}]) AS t) WHERE (t GLOB ${glob}) <> regexp_full_match(t, ${whole})`,
    )
    expect([pattern, rows]).toEqual([pattern, []])
    const [{ n = 0 } = {}] = await engine.rows(
      `SELECT count(*) AS n FROM (SELECT unnest([${TEXTS.map(literal).join(', ')}]) AS t) WHERE t GLOB ${glob}`,
    )
    expect([pattern, Number(n) > 0]).toEqual([pattern, true])
  }
})

test.each([
  'a*',
  'a+',
  'a?',
  '.',
  'a|b',
  '(ab)',
  '[^a]',
  '\\w',
  '\\s',
  'é',
  'a{2,3}',
  '^a$',
  '',
  '[a',
  '[[:alpha:]]',
  '[.]',
  '\\*',
  'a{99}',
])('a pattern of another kind stays one: %s', (pattern) => {
  expect(globOf(pattern)).toBeNull()
})
