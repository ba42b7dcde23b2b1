import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { type Case, contractOf, mappingOf, runCase } from './harness.ts'

/** What a table of `test/glue/operators` holds: an input text and the value (DuckDB's text of it) or the reject codes. */
interface Group {
  readonly about: string
  readonly type: string
  readonly required?: boolean
  readonly pattern?: string
  readonly values?: readonly string[]
  readonly transform?: readonly unknown[]
  readonly timezone?: string
  readonly cases: readonly (readonly [string, string | null | { readonly code: string }])[]
}

const FOLDER = join('test', 'glue', 'operators')

function caseOf({ type, required = false, pattern, values, transform = [], timezone, cases }: Group): Case {
  const column = { name: 'value', type, required, pattern, values }
  const contract = contractOf(
    JSON.stringify({
      contract: 1,
      dataset: 'operators',
      version: 1,
      columns: [{ name: 'id', type: 'integer', required: true }, column],
      key: 'none',
      load: 'replace_source',
      drift: { additive: 'ignore', missing_required: 'quarantine', type_coercion: 'limited' },
      reject_tolerance: 1,
    }),
  )
  const mapping = mappingOf(
    JSON.stringify({
      mapping: 1,
      tenant: 'acme',
      dataset: 'operators',
      version: 1,
      contract_version: 1,
      source_system: 'test',
      input: { format: 'csv', timezone },
      fields: [
        { source: 'id', target: 'id' },
        { source: 'value', target: 'value', transform },
      ],
    }),
  )
  const lines = cases.map(([input], index) => `${index},"${input.replaceAll('"', '""')}"`)
  return { contract, mapping, content: `id,value\n${lines.join('\n')}\n` }
}

describe.each(readdirSync(FOLDER))('%s', (file) => {
  const groups: readonly Group[] = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))
  test.each(groups)('$about', async (group) => {
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
