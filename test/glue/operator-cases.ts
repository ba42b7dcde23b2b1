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

/** A contract of columns without a key, and a mapping that fills them from a CSV file. */
export function operatorDocuments(given: {
  readonly columns: readonly unknown[]
  readonly fields: readonly unknown[]
  readonly timezone: string | undefined
}): Pick<Case, 'contract' | 'mapping'> {
  const { columns, fields, timezone } = given
  const contract = {
    contract: 1,
    dataset: 'operators',
    version: 1,
    columns,
    key: 'none',
    load: 'replace_source',
    drift: { additive: 'ignore', missing_required: 'quarantine', type_coercion: 'limited' },
    reject_tolerance: 1,
  }
  const mapping = {
    mapping: 1,
    tenant: 'acme',
    dataset: 'operators',
    version: 1,
    contract_version: 1,
    source_system: 'test',
    input: { format: 'csv', timezone },
    fields,
  }
  return { contract: contractOf(JSON.stringify(contract)), mapping: mappingOf(JSON.stringify(mapping)) }
}

/** The column of the contract that a group's operators fill. */
export const columnOf = ({ type, required = false, pattern, values }: OperatorGroup, name: string) => ({
  name,
  type,
  required,
  pattern,
  values,
})

/** A file with one record a case, and the contract and mapping that apply the operators to its second column. */
export function caseOf(group: OperatorGroup): Case {
  const { transform = [], timezone, cases } = group
  const documents = operatorDocuments({
    columns: [{ name: 'id', type: 'integer', required: true }, columnOf(group, 'value')],
    fields: [
      { source: 'id', target: 'id' },
      { source: 'value', target: 'value', transform },
    ],
    timezone,
  })
  const lines = cases.map(([input], index) => `${index},"${input.replaceAll('"', '""')}"`)
  return { ...documents, content: `id,value\n${lines.join('\n')}\n` }
}
