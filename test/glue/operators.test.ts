import { describe, expect, test } from '@jest/globals'
import { runCase } from './harness.ts'
import { caseOf, OPERATOR_TABLES, readOperatorTable } from './operator-cases.ts'

describe.each(OPERATOR_TABLES)('%s', (file) => {
  test.each(readOperatorTable(file))('$about', async (group) => {
    const ran = await runCase(caseOf(group))
    const values = new Map(
      (await ran.curated('id, CAST(value AS VARCHAR) AS value')).map(({ id, value }) => [id, value] as const),
    )
    const codes = new Map(
      (await ran.rejects('record_number, codes')).map((row) => [Number(row.record_number) - 1, { code: row.codes }]),
    )
    const found = group.cases.map(([input], index) => [input, codes.get(index) ?? values.get(index)])
    expect(found).toEqual(group.cases)
  })
})
