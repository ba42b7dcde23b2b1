import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Case, contractOf, mappingOf } from './harness.ts'

/** What a table of `test/glue/operators` holds: an input text and the value (DuckDB's text of it) or the reject codes. */
export interface OperatorGroup {
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

export const OPERATOR_TABLES: readonly string[] = readdirSync(FOLDER)

export const readOperatorTable = (file: string): readonly OperatorGroup[] =>
  JSON.parse(readFileSync(join(FOLDER, file), 'utf8'))

/** A file with one record a case, and the contract and mapping that apply the operators to its second column. */
export function caseOf({
  type,
  required = false,
  pattern,
  values,
  transform = [],
  timezone,
  cases,
}: OperatorGroup): Case {
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
