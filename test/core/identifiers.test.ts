import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { arrowTypeOf, parseColumnType, printColumnType, printPhysicalType } from '../../core/column-type.ts'
import { executionNameOf } from '../../core/execution-name.ts'
import { parseTenantId } from '../../core/identifiers.ts'
import { comparableSequencer, parseLandingKey } from '../../core/source.ts'
import { createQueryParser } from '../../local/states/query.ts'

describe('landing keys', () => {
  test('IN-36 TEST-34 tenant, dataset and partition are read from the path', () => {
    expect(parseLandingKey('landing/acme/orders/2026/02/25/orders_001.csv')).toEqual({
      tenantId: 'acme',
      dataset: 'orders',
      name: '2026/02/25/orders_001.csv',
      partition: '2026-02-25',
    })
    expect(parseLandingKey('landing/acme/orders/dt=2026-02-25/a.csv')?.partition).toBe('2026-02-25')
  })

  test.each(['landing/acme/orders/', 'landing/Acme/orders/a.csv', 'incoming/acme/orders/a.csv', 'landing/acme/a.csv'])(
    'IN-36 %s has another form',
    (key) => {
      expect(parseLandingKey(key)).toBeNull()
    },
  )

  test('IN-32 a name keeps every character it was stored with', () => {
    expect(parseLandingKey('landing/acme/orders/my file+é%20#1.csv')?.name).toBe('my file+é%20#1.csv')
  })
})

describe('names', () => {
  test('tenants have 2 to 24 characters of lower case, so that an execution name fits', () => {
    expect(() => parseTenantId('Acme')).toThrow(expect.objectContaining({ code: 'invalid_tenant', found: 'Acme' }))
    expect(parseTenantId('a1')).toBe('a1')
  })

  test('TEN-02 IDEM-09 an execution is named by tenant, dataset and the hash of bucket, key and version', () => {
    const source = { bucket: 'raw', key: 'landing/acme/orders/a.csv', versionId: '1' }
    expect(executionNameOf(source)).toMatch(/^acme-orders-[0-9a-f]{16}$/)
    expect(executionNameOf({ ...source, versionId: '2' })).not.toBe(executionNameOf(source))
  })

  test.each(['landing/acme/orders/a b+é.csv', 'landing/NOPE/x'])(
    'intake names the execution of %s as the command expects',
    async (key) => {
      const definition = JSON.parse(readFileSync('asl/intake/v1.asl.json', 'utf8')) as {
        States: { StartIngest: { Arguments: { Name: string } } }
      }
      const expression = definition.States.StartIngest.Arguments.Name.slice(2, -2).trim()
      const parse = createQueryParser({ now: () => new Date(0), random: () => 0, uuid: () => '' })
      const input = { detail: { bucket: { name: 'raw' }, object: { key, 'version-id': 'v1' } } }
      expect(await parse(expression).evaluate({ states: { input } })).toBe(
        executionNameOf({ bucket: 'raw', key, versionId: 'v1' }),
      )
    },
  )

  test('sequencers of different lengths compare as text once padded on the right', () => {
    expect(comparableSequencer('0055AED6DCD90281E5') < comparableSequencer('0055AED6DCD90281E6')).toBe(true)
  })
})

describe('column types', () => {
  const TYPES = [
    ['string(8)', 'VARCHAR', 'VARCHAR(32)', 'string'],
    ['integer', 'INTEGER', 'INTEGER', 'int'],
    ['bigint', 'BIGINT', 'BIGINT', 'bigint'],
    ['decimal(12,2)', 'DECIMAL(12,2)', 'DECIMAL(12,2)', 'decimal(12,2)'],
    ['double', 'DOUBLE', 'DOUBLE PRECISION', 'double'],
    ['boolean', 'BOOLEAN', 'BOOLEAN', 'boolean'],
    ['date', 'DATE', 'DATE', 'date'],
    ['timestamp', 'TIMESTAMP', 'TIMESTAMP', 'timestamp'],
    ['json', 'VARCHAR', 'VARCHAR(65535)', 'string'],
  ] as const

  test.each(TYPES)(
    '%s prints as %s in DuckDB, %s in Redshift and %s in the catalog',
    (text, duckdb, redshift, glue) => {
      const type = parseColumnType(text)
      const maxBytes = type.kind === 'string' ? type.maxCharacters * 4 : null
      const column = { arrow: arrowTypeOf(type), maxBytes }
      expect([
        printColumnType(type),
        printPhysicalType(column, 'duckdb'),
        printPhysicalType(column, 'redshift'),
        printPhysicalType(column, 'glue'),
      ]).toEqual([text, duckdb, redshift, glue])
    },
  )

  test.each(['string', 'string(0)', 'decimal(39,2)', 'decimal(5,6)', 'int', 'varchar(3)'])('%s is no type', (text) => {
    expect(() => parseColumnType(text)).toThrow(expect.objectContaining({ code: 'invalid_type', found: text }))
  })
})
