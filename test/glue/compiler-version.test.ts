import { describe, expect, test } from '@jest/globals'
import { digestOfJson } from '../../core/digest.ts'
import { COMPILER_VERSION } from '../../glue/compile-plan.ts'
import { type Case, contractOf, mappingOf, planOf } from './harness.ts'
import { READINGS, readings } from './readings.ts'

const COLUMNS = ['s', 'i', 'b', 'd', 'f', 't', 'o', 'm', 'j'] as const
const TYPES = ['string(9)', 'integer', 'bigint', 'decimal(9,2)', 'double', 'boolean', 'date', 'timestamp', 'json']

const ALL_TYPES = {
  contract: contractOf(
    JSON.stringify({
      contract: 1,
      dataset: 'types',
      version: 1,
      columns: COLUMNS.map((name, index) => ({ name, type: TYPES[index], required: name === 's' })),
      key: 'none',
    }),
  ),
  mapping: mappingOf(
    JSON.stringify({
      mapping: 1,
      tenant: 'acme',
      dataset: 'types',
      version: 1,
      contract_version: 1,
      source_system: 'test',
      input: { format: 'tsv', timezone: 'Europe/Berlin' },
      fields: COLUMNS.map((name) => ({ source: name, target: name })),
    }),
  ),
}

const HEADER = ['sensor', 'value', 'read_at', 'more']
const CASES: readonly Case[] = [
  { ...ALL_TYPES, content: '', header: COLUMNS },
  ...['csv', 'json_lines', 'json_array', 'parquet'].map((format) => ({
    contract: READINGS,
    mapping: readings(`{ format: ${format}, timezone: UTC }`),
    content: '',
    header: HEADER,
  })),
]

/** What each version of the compiler prints for the cases above. A change of it is a new version, with a line of its own. */
const PRINTED: Readonly<Record<string, string>> = {
  2: '4ac7c8fedfacbfeff29d808a1faaca1b03b031f48dcf318676bae556bf7164c8',
}

describe('the compiler of plans', () => {
  test('a program that is printed otherwise has another compiler version', () => {
    const programs = CASES.map((given) => planOf(given).program)
    expect({ [COMPILER_VERSION]: digestOfJson(programs) }).toEqual({ [COMPILER_VERSION]: PRINTED[COMPILER_VERSION] })
  })
})
