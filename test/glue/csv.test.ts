import { describe, expect, test } from '@jest/globals'
import { readContract, readMapping, runCase } from './harness.ts'

const HEADER = 'OrderId,Customer,Email,State,Qty,Price,Total,Currency,Discount,Express,OrderDate,Updated,Note'
const ORDERS = { contract: { ...readContract('orders'), rejectTolerance: 1 }, mapping: readMapping('acme', 'orders') }
const row = (id: string, updated = '2025-03-01T10:00:00Z', note = ''): string =>
  `${id},c1,A@X.org,Paid,3,1.50,4.50,eur,0.1,true,2025-02-28,${updated},${note}`

describe('a csv file', () => {
  test('TRF-01, TRF-02, TRF-18: lands as typed canonical columns with the transforms applied', async () => {
    const ran = await runCase({ ...ORDERS, content: `${HEADER}\n${row('a1')}\n` })
    expect(ran.summary).toMatchObject({ outcome: 'ok', counts: { input: 1, curated: 1, rejected: 0, duplicates: 0 } })
    expect(await ran.curated()).toEqual([
      expect.objectContaining({
        order_id: 'a1',
        customer_email: 'a@x.org',
        status: 'paid',
        quantity: 3,
        amount: 4.5,
        currency: 'EUR',
        discount: 0.1,
        express: true,
        ordered_on: '2025-02-28',
        updated_at: '2025-03-01 10:00:00',
        note: null,
        tenant_id: 'acme',
        record_number: 1,
        op: 'U',
        ingested_at: '2026-01-02 03:04:05.678',
      }),
    ])
  })

  test('TRF-05: keeps the latest version of a key and counts the others as duplicates', async () => {
    const content = [
      HEADER,
      row('a', '2025-03-02T10:00:00Z', 'new'),
      row('a ', '2025-03-01T10:00:00Z', 'old'),
      row('b'),
    ].join('\n')
    const ran = await runCase({ ...ORDERS, content })
    expect(ran.summary.counts).toEqual({ input: 3, curated: 2, rejected: 0, duplicates: 1 })
    expect(await ran.curated('order_id, note, record_number')).toEqual([
      { order_id: 'a', note: 'new', record_number: 1 },
      { order_id: 'b', note: null, record_number: 3 },
    ])
  })

  test('VAL-01, VAL-02, QUA-02: turns broken rows into rejects with record number, code, column and value', async () => {
    const content = [
      HEADER,
      row('a'),
      row('b').replace(',3,', ',three,'),
      'too,few',
      '',
      row('').replace('1.50', '1.505'),
      row('c', undefined, '"two\nlines"'),
      `${row('d')},one more`,
      row('e', undefined, '"closed" and on'),
      row('f'),
    ].join('\n')
    const ran = await runCase({ ...ORDERS, content })
    expect(ran.summary.counts).toEqual({ input: 8, curated: 3, rejected: 5, duplicates: 0 })
    expect(await ran.curated('order_id, note, record_number')).toEqual([
      { order_id: 'a', note: null, record_number: 1 },
      { order_id: 'c', note: 'two\nlines', record_number: 5 },
      { order_id: 'f', note: null, record_number: 8 },
    ])
    expect(await ran.rejects('record_number, codes, columns')).toEqual([
      { record_number: 2, codes: 'type_mismatch', columns: 'quantity' },
      { record_number: 3, codes: 'column_count', columns: '' },
      { record_number: 4, codes: 'required_missing,scale_exceeded', columns: 'order_id,unit_price' },
      { record_number: 6, codes: 'column_count', columns: '' },
      { record_number: 7, codes: 'malformed_quote', columns: '' },
    ])
    const [quantity, few] = await ran.rejects('errors, raw')
    expect(JSON.parse(String(quantity?.errors))).toEqual([
      { code: 'type_mismatch', column: 'quantity', value: 'three', message: 'expected integer' },
    ])
    expect(few?.raw).toBe('too,few')
  })

  test('a quote behind one blank opens a field; behind more, or elsewhere, it is text', async () => {
    const content = [
      HEADER.replace('Customer,', ' "Customer", '),
      row('a', undefined, ' "comma, and ""quotes"""'),
      ` "b"${row('')}`,
      row('c', undefined, '  "two blanks"'),
      row('d', undefined, '  "'),
      row('e', undefined, '\t"tab"'),
      row('f', undefined, ' "two\nlines"'),
      row('g', undefined, ' "'),
    ].join('\n')
    const ran = await runCase({ ...ORDERS, header: HEADER.split(','), content })
    expect(await ran.curated('order_id, note')).toEqual([
      { order_id: 'a', note: 'comma, and "quotes"' },
      { order_id: 'b', note: null },
      { order_id: 'c', note: '  "two blanks"' },
      { order_id: 'd', note: '  "' },
      { order_id: 'e', note: '\t"tab"' },
      { order_id: 'f', note: 'two\nlines' },
    ])
    expect(await ran.rejects('record_number, codes')).toEqual([{ record_number: 7, codes: 'unclosed_quote' }])
  })

  test('a record with a NUL character is a reject', async () => {
    const ran = await runCase({ ...ORDERS, content: `${HEADER}\n${row('a')}\n${row('b', undefined, 'x\0y')}\n` })
    expect(ran.summary.counts).toEqual({ input: 2, curated: 1, rejected: 1, duplicates: 0 })
    expect(await ran.rejects('record_number, codes')).toEqual([{ record_number: 2, codes: 'bad_encoding' }])
  })
})
