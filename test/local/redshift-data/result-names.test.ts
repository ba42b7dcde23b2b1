import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type WarehouseFixture, warehouseFixture } from './warehouse-fixture.ts'

let fixture: WarehouseFixture

beforeAll(async () => {
  fixture = await warehouseFixture()
  await fixture.sql('CREATE TABLE public.t (a INTEGER, b VARCHAR(8))')
})
afterAll(() => fixture.close())

const namesOf = async (sql: string): Promise<readonly string[]> => {
  const [outcome] = await fixture.engine.execute({ id: sql, sqls: [sql], user: 'admin', mode: 'single' })
  if (outcome?.status !== 'FINISHED') throw new Error(outcome?.error ?? 'aborted')
  return (outcome.result?.columns ?? []).map(({ name }) => name)
}

test.each([
  ['select count(*), max(a) from t', ['count', 'max']],
  ['select a, t.b, a as c from t', ['a', 'b', 'c']],
  [
    'select a + 1, 1, coalesce(b, b), cast(a as bigint), upper(b) from t',
    ['?column?', '?column?', 'coalesce', 'a', 'upper'],
  ],
  ['select count(*) from t union all select a from t', ['count']],
  ['select * from t', ['a', 'b']],
])('columns of %s are named as Redshift names them', async (sql, names) => {
  expect(await namesOf(sql)).toEqual(names)
})

test('a session of a user who does not exist is refused', async () => {
  expect(await fixture.errorOf('SET SESSION AUTHORIZATION "IAMR:nobody"')).toContain(
    'user "IAMR:nobody" does not exist',
  )
})
