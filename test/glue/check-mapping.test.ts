import { describe, expect, test } from '@jest/globals'
import { parseContract } from '../../core/parse-contract.ts'
import { parseMapping } from '../../core/parse-mapping.ts'
import { checkMappingTypes } from '../../glue/check-mapping.ts'

const CONTRACT = `contract: 1
dataset: visits
version: 1
columns:
  - { name: id, type: string(8), required: true }
  - { name: seen_on, type: date }
  - { name: pages, type: integer }
key: [id]
`
const mappingWith = (fields: string): string => `mapping: 1
tenant: acme
dataset: visits
version: 1
contract_version: 1
source_system: web
input: { format: csv }
fields:
${fields}`

function problemsOf(fields: string) {
  const text = mappingWith(fields)
  const [contract, mapping] = [parseContract(CONTRACT, 'visits.yaml'), parseMapping(text, 'acme.visits.yaml')]
  if (!contract.ok || !mapping.ok) throw new Error('the files of this test must parse')
  return checkMappingTypes(mapping.value, contract.value, text, 'acme.visits.yaml')
}

describe('transforms and column types', () => {
  test('a mapping whose transforms lead to the types of their columns has no problem', () => {
    const fields = `  - { source: Id, target: id, transform: [trim] }
  - { source: Day, target: seen_on, transform: [trim, parse_date: { format: "%Y-%m-%d" }] }
  - { source: Pages, target: pages, transform: [parse_number: { group: "," }, default: "0"] }
`
    expect(problemsOf(fields)).toEqual([])
  })

  test('every transform that leads to another type is named with its line, whatever the others do', () => {
    const fields = `  - { source: Id, target: id, transform: [parse_date: { format: "%Y" }] }
  - { source: Day, target: seen_on, transform: [parse_number] }
  - { source: Pages, target: pages }
`
    expect(problemsOf(fields)).toMatchObject([
      { code: 'invalid_mapping', found: 'parse_date', where: { file: 'acme.visits.yaml', line: 9 } },
      { code: 'invalid_mapping', found: 'parse_number', where: { file: 'acme.visits.yaml', line: 10 } },
    ])
  })

  test('a time format with a letter that is not in the list is named, with the letters that are', () => {
    const fields = '  - { source: Day, target: seen_on, transform: [parse_date: { format: "%e/%-m/%Y %-I %p" }] }\n'
    expect(problemsOf(fields)).toMatchObject([
      { code: 'invalid_format', found: '%e', expected: expect.stringContaining('%-d'), where: { line: 9 } },
    ])
  })

  test('nothing may follow a conversion but a default', () => {
    expect(problemsOf('  - { source: Pages, target: pages, transform: [parse_number, trim] }\n')).toMatchObject([
      { code: 'invalid_mapping', found: 'parse_number before trim' },
    ])
  })
})
