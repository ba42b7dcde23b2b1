import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import type { Contract } from '../../core/contract.ts'
import { contractChanges, worstOf } from '../../core/contract-changes.ts'
import { parseContract } from '../../core/parse-contract.ts'

const TEXT = readFileSync('contracts/orders.yaml', 'utf8')

const contract = (edit: (text: string) => string = (text) => text): Contract => {
  const edited = edit(TEXT)
  const parsed = parseContract(edited, 'orders.yaml')
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.value
}
const replacing =
  (from: string, to: string) =>
  (text: string): string => {
    if (!text.includes(from)) throw new Error(`the contract has no ${from}`)
    return text.replace(from, to)
  }

describe('the difference of two contracts', () => {
  test('of a contract and itself is nothing', () => {
    expect(contractChanges(contract(), contract())).toEqual([])
    expect(worstOf([])).toBe('none')
  })

  test.each([
    ['name: note, type: string(400)', 'name: note, type: string(500)', 'additive', 'columns.note.type'],
    ['name: note, type: string(400)', 'name: note, type: string(300)', 'breaking', 'columns.note.type'],
    ['name: quantity, type: integer', 'name: quantity, type: bigint', 'additive', 'columns.quantity.type'],
    ['name: discount, type: double', 'name: discount, type: integer', 'breaking', 'columns.discount.type'],
    ['"decimal(12,2)"', '"decimal(14,4)"', 'additive', 'columns.unit_price.type'],
    ['"decimal(12,2)"', '"decimal(12,4)"', 'breaking', 'columns.unit_price.type'],
    [
      'name: express, type: boolean',
      'name: express, type: boolean, required: true',
      'breaking',
      'columns.express.required',
    ],
    [
      'name: ordered_on, type: date, required: true',
      'name: ordered_on, type: date',
      'additive',
      'columns.ordered_on.required',
    ],
    ['[A-Z]{3}', '[A-Z]{2}', 'breaking', 'columns.currency.pattern'],
    ['returned, cancelled]', 'returned]', 'breaking', 'columns.status.values'],
    ['returned, cancelled]', 'returned, cancelled, lost]', 'additive', 'columns.status.values'],
    ['Number of pieces.', 'Number of boxes.', 'semantic', 'columns.quantity.description'],
    ['event_time: updated_at', 'event_time: ordered_on', 'semantic', 'event_time'],
    ['key: [order_id]', 'key: [order_id, customer_id]', 'breaking', 'key'],
    ['additive: rescue', 'additive: reject', 'breaking', 'drift.additive'],
    [
      'additive: rescue',
      'additive: rescue, quarantine_on_breaking_change: false',
      'semantic',
      'drift.quarantine_on_breaking_change',
    ],
    ['columns: 200', 'columns: 200, raw_characters: 100', 'semantic', 'limits.raw_characters'],
    ['type_coercion: limited', 'type_coercion: full', 'semantic', 'drift.type_coercion'],
    ['reject_tolerance: 0.05', 'reject_tolerance: 0.01', 'breaking', 'reject_tolerance'],
    ['columns: 200', 'columns: 300', 'additive', 'limits.columns'],
    ['min_bytes: 16', 'min_bytes: 32', 'breaking', 'limits.min_bytes'],
    ['sort: [tenant_id, ordered_on]', 'sort: [tenant_id]', 'additive', 'warehouse.sort'],
  ])('%s becoming %s is %s at %s, and nothing else', (from, to, kind, path) => {
    const changes = contractChanges(contract(), contract(replacing(from, to)))
    expect(changes.map((change) => ({ class: change.class, path: change.path }))).toEqual([{ class: kind, path }])
  })

  test('a column that goes breaks, one that comes adds, and what breaks outweighs it', () => {
    const changes = contractChanges(
      contract(),
      contract(replacing('name: note, type: string(400)', 'name: remark, type: string(400)')),
    )
    expect(changes).toEqual([
      expect.objectContaining({ class: 'breaking', path: 'columns.note', was: 'string(400)', now: null }),
      expect.objectContaining({ class: 'additive', path: 'columns.remark', was: null, now: 'string(400)' }),
    ])
    expect(worstOf(changes)).toBe('breaking')
  })
})
