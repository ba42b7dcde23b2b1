import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { patternProblem } from '../../core/re2-pattern.ts'

let connection: DuckDBConnection
beforeAll(async () => {
  connection = await (await DuckDBInstance.create()).connect()
})
afterAll(() => connection.closeSync())

const compiles = async (pattern: string): Promise<boolean> => {
  try {
    await connection.run(`SELECT regexp_full_match('', '${pattern.replaceAll("'", "''")}')`)
    return true
  } catch (thrown) {
    if (String(thrown).includes('Invalid Input Error')) return false
    throw thrown
  }
}

describe('a pattern', () => {
  test.each([
    '[A-Z]{3}',
    'O[0-9]{10}',
    '\\\\1',
    '(?i)abc',
    'a(?i)b',
    '(?i:a)b',
    '(?P<year>\\d{4})',
    'a{1000}',
    '\\p{L}+',
    'a(?=b)',
    'a(?!b)',
    '(?<=a)b',
    '(a)\\1',
    '(?>a)b',
    'a{1001}',
    'a{2,1001}',
    '[z-a]',
    '(a',
    'a)',
    'a**',
    '*a',
    'a{2,1}',
  ])('%s is taken where the engine compiles it', async (pattern) => {
    expect({ pattern, taken: patternProblem(pattern) === null }).toEqual({ pattern, taken: await compiles(pattern) })
  })
})
