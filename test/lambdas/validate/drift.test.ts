import { describe, expect, test } from '@jest/globals'
import type { Mapping } from '../../../core/mapping.ts'
import { inferType } from '../../../glue/text-forms.ts'
import type { Drift } from '../../../lambdas/messages.ts'
import { isRefusal } from '../../../lambdas/validate/refusal.ts'
import { mappingOf } from '../metadata/fixtures.ts'
import { ACME, check, HEADER, ROW, withContract, withInput } from './sources.ts'

const names = HEADER.split(',')

/** Rows of the valid row with some values of some columns changed. */
const rowsWith = (changed: Readonly<Record<string, readonly string[]>>, count = 20): readonly string[] =>
  Array.from({ length: count }, (_, row) =>
    names.map((name, index) => changed[name]?.[row % changed[name].length] ?? ROW.split(',')[index]).join(','),
  )
const fileOf = (rows: readonly string[], header = HEADER): string => `${[header, ...rows].join('\n')}\n`

async function driftOf(content: string, mapping: Mapping = ACME, contract = withContract({})): Promise<Drift> {
  const seen = await check(content, { mapping, contract })
  if (isRefusal(seen)) throw new Error(seen.message)
  return seen.drift
}

describe('a drift record', () => {
  test.each([
    ['Qty', ['two', 'three'], 'integer', 'string'],
    ['Qty', ['2.5', '3.5'], 'integer', 'decimal'],
    ['Price', ['2026-02-01'], 'decimal(12,2)', 'date'],
    ['Express', ['2026-02-01T10:00:00Z'], 'boolean', 'timestamp'],
    ['OrderDate', ['20260201'], 'date', 'integer'],
    ['Updated', ['true', 'false'], 'timestamp', 'boolean'],
    ['Discount', ['{"share":0.1}'.replaceAll(',', '')], 'double', 'json'],
  ])('SCH-20: names a retyped column: %s now holds %j, was %s, is %s', async (column, values, old, now) => {
    const quoted = values.map((value) => (value.includes('"') ? `"${value.replaceAll('"', '""')}"` : value))
    expect(await driftOf(fileOf(rowsWith({ [column]: quoted })))).toMatchObject({
      class: 'retyped',
      changes: [{ column, kind: 'retyped', old, new: now }],
    })
  })

  test('SCH-20: names new columns with the type that their values have, and absent ones with the type they had', async () => {
    const header = `${HEADER.replace(',Discount', '')},Gift,Since`
    const rows = rowsWith({}).map((row) => `${row.replace(',0.1,', ',')},true,2026-01-01`)
    expect(await driftOf(fileOf(rows, header))).toEqual({
      class: 'missing',
      added: ['Gift', 'Since'],
      missing: ['Discount'],
      changes: [
        { column: 'Discount', kind: 'absent', old: 'double', new: null },
        { column: 'Gift', kind: 'new', old: null, new: 'boolean' },
        { column: 'Since', kind: 'new', old: null, new: 'date' },
      ],
    })
  })

  test('SCH-20: is on a refusal too', async () => {
    const refused = await check(fileOf(rowsWith({}), HEADER.replace('Qty', 'Quantity')))
    expect(refused).toMatchObject({
      reasonCode: 'missing_required_column',
      drift: {
        changes: [
          { column: 'Qty', kind: 'absent', old: 'integer', new: null },
          { column: 'Quantity', kind: 'new', old: null, new: 'integer' },
        ],
      },
    })
  })

  test('SCH-20: says nothing while fewer than 95 of 100 values have another type, or fewer than three are there', async () => {
    const mixed = [...Array.from({ length: 18 }, () => 'many'), '1', '2']
    expect(await driftOf(fileOf(rowsWith({ Qty: mixed })))).toMatchObject({ class: 'none', changes: [] })
    expect(await driftOf(fileOf(rowsWith({ Qty: ['many'] }, 2)))).toMatchObject({ class: 'none', changes: [] })
    const nearly = [...Array.from({ length: 19 }, () => 'many'), '1']
    expect(await driftOf(fileOf(rowsWith({ Qty: nearly })))).toMatchObject({ class: 'retyped' })
    expect(await driftOf(fileOf(rowsWith({ Discount: [''] })))).toMatchObject({ class: 'none', changes: [] })
  })

  test('SCH-20: reads values in the form that the mapping declares', async () => {
    const globex = mappingOf('globex', 'orders')
    const header =
      'Auftrag;Kunde;E-Mail;Status;Menge;Einzelpreis;Betrag;Währung;Rabatt;Express;Bestelldatum;Geändert;Bemerkung'
    const row = (menge: string) =>
      `a;k;e@x.example;neu;${menge};1,50;3,00;EUR;-;Ja;01.02.2026;01.02.2026 10:00:00;x`.replaceAll('Ja', 'ja')
    const file = (menge: string): string => `${[header, ...Array.from({ length: 5 }, () => row(menge))].join('\n')}\n`
    expect(await driftOf(file('1.000'), globex)).toMatchObject({ class: 'none', changes: [] })
    expect(await driftOf(file('01.02.2026'), globex)).toMatchObject({
      changes: [{ column: 'Menge', kind: 'retyped', old: 'integer', new: 'string' }],
    })
  })

  test('SCH-20: reads JSON values and files without a header', async () => {
    const record = Object.fromEntries(names.map((name, index) => [name, ROW.split(',')[index]]))
    const lines = Array.from({ length: 5 }, () => JSON.stringify({ ...record, Qty: true })).join('\n')
    expect(await driftOf(`${lines}\n`, withInput({ format: 'json_lines' }))).toMatchObject({
      changes: [{ column: 'Qty', kind: 'retyped', old: 'integer', new: 'boolean' }],
    })
    const headless = withInput({ header: false, columns: names })
    expect(await driftOf(`${rowsWith({ Qty: ['x'] }).join('\n')}\n`, headless)).toMatchObject({
      class: 'retyped',
      changes: [{ column: 'Qty', kind: 'retyped', old: 'integer', new: 'string' }],
    })
  })
})

test('the narrowest type that nearly all texts have is inferred', () => {
  expect(inferType(['1', '2'])).toBe('integer')
  expect(inferType(['1', '2.5'])).toBe('decimal')
  expect(inferType(['1e3', '2'])).toBe('double')
  expect(inferType(['2026-01-01', '2026-01-01T10:00:00+02:00'])).toBe('timestamp')
  expect(inferType(['1', 'x'])).toBe('string')
  expect(inferType([])).toBe('string')
})
