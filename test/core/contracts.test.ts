import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Contract } from '../../core/contract.ts'
import { parseContract } from '../../core/parse-contract.ts'
import { checkMappingAgainstContract, parseMapping } from '../../core/parse-mapping.ts'

const CONTRACT = `contract: 1
dataset: orders
version: 1
columns:
  - { name: order_id, type: string(8), required: true }
  - { name: amount, type: "decimal(12,2)" }
key: [order_id]
`
const MAPPING = `mapping: 1
tenant: acme
dataset: orders
version: 1
contract_version: 1
source_system: shop
input: { format: csv }
fields:
  - { source: A, target: order_id }
`

const contractOf = (text: string): Contract => {
  const parsed = parseContract(text, 'contracts/orders.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.value
}

describe('the contracts and mappings of the repository', () => {
  const contracts = new Map(
    readdirSync('contracts')
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => [file.replace('.yaml', ''), readFileSync(`contracts/${file}`, 'utf8')]),
  )
  for (const [dataset, text] of contracts) {
    test(`SCH-12 SCH-35 contract ${dataset} fits its JSON Schema`, () => {
      expect(parseContract(text, `contracts/${dataset}.yaml`)).toMatchObject({ ok: true, value: { dataset } })
    })
  }
  for (const file of readdirSync('contracts/mappings')) {
    test(`SCH-01 TEST-03 mapping ${file} fits its contract and leaves no required column unmapped`, () => {
      const text = readFileSync(`contracts/mappings/${file}`, 'utf8')
      const parsed = parseMapping(text, file)
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
      const contract = contractOf(contracts.get(parsed.value.dataset) ?? '')
      expect(checkMappingAgainstContract(parsed.value, contract, text, file)).toEqual([])
    })
  }
})

const REFUSED_CONTRACTS = [
  {
    why: 'an unknown key',
    change: ['version: 1', 'version: 1\ncolums: []'],
    problem: {
      code: 'schema_violation',
      message: 'Unknown key "colums"; did you mean "columns"?',
      where: { line: 4, path: '/colums' },
    },
  },
  {
    why: 'an unknown type',
    change: ['string(8)', 'text'],
    problem: { code: 'schema_violation', where: { line: 5, path: '/columns/0/type' } },
  },
  {
    why: 'a decimal whose scale exceeds its precision',
    change: ['decimal(12,2)', 'decimal(2,4)'],
    problem: { code: 'invalid_type', where: { line: 6, path: '/columns/1/type' } },
  },
  {
    why: 'a key that is no column',
    change: ['[order_id]', '[order_ids]'],
    problem: {
      code: 'unknown_column',
      message: 'Column "order_ids" is not in the contract; did you mean "order_id"?',
      where: { line: 7 },
    },
  },
  {
    why: 'a key that may be NULL',
    change: ['[order_id]', '[amount]'],
    problem: { code: 'optional_key', where: { line: 7 } },
  },
  {
    why: 'a column twice',
    change: ['name: amount', 'name: order_id'],
    problem: { code: 'duplicate_column', where: { line: 6 } },
  },
  {
    why: 'a column that Sluice adds itself',
    change: ['name: amount', 'name: tenant_id'],
    problem: { code: 'reserved_column', where: { line: 6 } },
  },
  {
    why: 'an event time that is no time',
    change: ['key: [order_id]', 'key: [order_id]\nevent_time: amount'],
    problem: { code: 'invalid_event_time' },
  },
  {
    why: 'a merge without a key',
    change: ['key: [order_id]', 'key: none\nload: merge'],
    problem: { code: 'invalid_load' },
  },
  { why: 'text that is no YAML', change: ['key: [order_id]', 'key: [order_id'], problem: { code: 'invalid_yaml' } },
] as const

describe('parseContract', () => {
  for (const { why, change, problem } of REFUSED_CONTRACTS) {
    test(`TEST-24 refuses ${why} with its line and path`, () => {
      const parsed = parseContract(CONTRACT.replace(change[0], change[1]), 'contracts/orders.yaml')
      expect(parsed.ok ? [] : parsed.problems).toContainEqual(
        expect.objectContaining({
          ...problem,
          where: expect.objectContaining({
            file: 'contracts/orders.yaml',
            ...('where' in problem ? problem.where : {}),
          }),
        }),
      )
    })
  }

  test('fills in defaults: limited coercion, additive columns rescued, a merge by key', () => {
    expect(contractOf(CONTRACT)).toMatchObject({
      load: 'merge',
      drift: { additive: 'rescue', typeCoercion: 'limited' },
      rejectTolerance: 0.05,
    })
  })
})

const REFUSED_MAPPINGS = [
  {
    why: 'SCH-08 an unregistered transform, naming it',
    change: ['target: order_id', 'target: order_id, transform: [trimm]'],
    problem: {
      code: 'unknown_transform',
      found: 'trimm',
      message: 'Transform "trimm" is not in the registry; did you mean "trim"?',
    },
  },
  {
    why: 'SCH-09 an expression in place of a transform',
    change: ['target: order_id', 'target: order_id, transform: ["x => x.eval()"]'],
    problem: { code: 'unknown_transform', found: 'x => x.eval()' },
  },
  {
    why: 'SCH-09 code as an option',
    change: ['target: order_id', 'target: order_id, transform: [{ parse_date: { format: "%Y", code: "rm" } }]'],
    problem: { code: 'schema_violation' },
  },
  {
    why: 'an unknown time zone',
    change: ['format: csv', 'format: csv, timezone: Mars/Base'],
    problem: { code: 'unknown_timezone' },
  },
  { why: 'a field without a source', change: ['source: A, ', ''], problem: { code: 'missing_source' } },
] as const

describe('parseMapping', () => {
  for (const { why, change, problem } of REFUSED_MAPPINGS) {
    test(`${why} is refused`, () => {
      const parsed = parseMapping(MAPPING.replace(change[0], change[1]), 'm.yaml')
      expect(parsed.ok ? [] : parsed.problems).toContainEqual(expect.objectContaining(problem))
    })
  }

  const against = (mapping: string) => {
    const parsed = parseMapping(mapping, 'm.yaml')
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    return checkMappingAgainstContract(
      parsed.value,
      contractOf(CONTRACT.replace('"decimal(12,2)"', '"decimal(12,2)", required: true')),
      mapping,
      'm.yaml',
    )
  }

  test('VAL-20 names the required column that no field maps', () => {
    expect(against(MAPPING)).toEqual([
      expect.objectContaining({ code: 'unmapped_required_column', expected: 'a field with target amount' }),
    ])
  })

  test('a pattern that RE2 cannot compile is named, in contracts and in mappings', () => {
    const contract = (pattern: string) =>
      parseContract(CONTRACT.replace('required: true', `required: true, pattern: '${pattern}'`), 'c.yaml')
    expect(contract('(?P<year>[0-9]{4})').ok).toBe(true)
    for (const pattern of ['[a-', '(?=a)b', '(a)\\1'])
      expect(contract(pattern)).toMatchObject({ problems: [{ code: 'invalid_pattern', where: { line: 5 } }] })
    const text = MAPPING.replace('order_id }', "order_id, transform: [regex_extract: { pattern: '(a' }] }")
    expect(parseMapping(text, 'm.yaml')).toMatchObject({ problems: [{ code: 'invalid_pattern', where: { line: 9 } }] })
  })

  test('without a header, a field reads one of the columns that the mapping names, each of which stands once', () => {
    const text = MAPPING.replace('{ format: csv }', '{ format: csv, header: false, columns: [Nr, Name, Name] }')
    expect(parseMapping(text.replace('source: A', 'source: Nr').replace(', Name]', ']'), 'm.yaml').ok).toBe(true)
    expect(parseMapping(text.replace('source: A', 'source: Nrr'), 'm.yaml')).toMatchObject({
      ok: false,
      problems: [
        { code: 'duplicate_column', where: { line: 7 } },
        {
          code: 'unknown_source',
          found: 'Nrr',
          message: expect.stringContaining('did you mean "Nr"'),
          where: { line: 9 },
        },
      ],
    })
  })

  test('names an unknown target with the nearest column', () => {
    const problems = against(MAPPING.replace('target: order_id', 'target: order_idd'))
    expect(problems).toContainEqual(
      expect.objectContaining({
        code: 'unknown_target',
        message: 'Target "order_idd" is no column of "orders"; did you mean "order_id"?',
        where: expect.objectContaining({ line: 9 }),
      }),
    )
  })
})
