import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { openDuckdb } from '../../../glue/duckdb.ts'
import { ParquetSchema, ParquetWriter } from '../../../lambdas/parquet-file.ts'
import { isRefusal } from '../../../lambdas/validate/refusal.ts'
import { check, fakeSource, HEADER, sourceOfBytes, withInput } from './sources.ts'

const PARQUET = withInput({ format: 'parquet' })
const KEY = 'landing/acme/orders/a.parquet'

async function parquetOf(names: readonly string[]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const schema = new ParquetSchema(Object.fromEntries(names.map((name) => [name, { type: 'UTF8', optional: true }])))
  const writer = await ParquetWriter.openStream(schema, {
    write: (bytes, done) => {
      chunks.push(Uint8Array.from(bytes))
      done()
    },
    end: (done) => done(),
  })
  for (let row = 0; row < 50; row += 1)
    await writer.appendRow(Object.fromEntries(names.map((name) => [name, `${name} ${row}`])))
  await writer.close()
  return Buffer.concat(chunks)
}

describe('checking a Parquet source', () => {
  test('its columns are read from the footer and held against the mapping', async () => {
    const bytes = await parquetOf([...HEADER.split(','), 'Gift'])
    const seen = await check(sourceOfBytes(bytes), { key: KEY, mapping: PARQUET })
    expect(isRefusal(seen) ? seen : null).toBeNull()
    expect(seen).toMatchObject({ drift: { class: 'additive', added: ['Gift'] }, compression: 'none' })
    const renamed = await parquetOf(HEADER.replace('OrderId', 'Id').split(','))
    expect(await check(sourceOfBytes(renamed), { key: KEY, mapping: PARQUET })).toMatchObject({
      reasonCode: 'missing_required_column',
      details: { missing: ['OrderId'] },
    })
  })

  test('VAL-09: of a long file only magic, samples and footer are read', async () => {
    const bytes = await parquetOf(HEADER.split(','))
    const sizeBytes = 3_000_000_000
    const tail = sizeBytes - bytes.length
    const source = fakeSource(sizeBytes, (first, last) => {
      const part = Buffer.alloc(last - first + 1)
      for (let index = 0; index < part.length; index += 1) {
        const at = first + index
        part[index] = (at < 4 ? bytes[at] : bytes[at - tail]) ?? 0
      }
      return part
    })
    expect(isRefusal(await check(source, { key: KEY, mapping: PARQUET }))).toBe(false)
    expect(source.asked.bytes).toBeLessThan(2_000_000)
  })

  test('what another writer wrote is read: a plain byte array from S3, version 2 of the format, nested columns', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-parquet-'))
    const file = join(folder, 'orders.parquet')
    const columns = HEADER.split(',').map((name) => `'x' as "${name}"`)
    try {
      const engine = await openDuckdb({ threads: 1, memoryLimitBytes: 2 ** 28, tempDirectory: folder })
      await engine.run(
        `copy (select {'a': 1, 'b': [2]} as "Tree", ${columns.join(', ')}, [1] as "List") to '${file}' (format parquet)`,
      )
      engine.close()
      const bytes = readFileSync(file)
      const footer = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)
      expect(bytes.subarray(footer, footer + 2)).toEqual(Buffer.from([0x15, 0x02]))
      bytes[footer + 1] = 0x04
      const stored = fakeSource(bytes.length, (first, last) => Uint8Array.from(bytes.subarray(first, last + 1)))
      expect(await check(stored, { key: KEY, mapping: PARQUET })).toMatchObject({
        header: ['Tree', ...HEADER.split(','), 'List'],
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('SCH-20: a column that the file itself declares as another kind of type is retyped', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-retyped-'))
    const file = join(folder, 'orders.parquet')
    const values: Readonly<Record<string, string>> = {
      Qty: 'true',
      OrderDate: '7',
      Updated: "timestamp_ns '2026-01-01'",
    }
    const columns = HEADER.split(',').map((name) => `${values[name] ?? "'x'"} as "${name}"`)
    try {
      const engine = await openDuckdb({ threads: 1, memoryLimitBytes: 2 ** 28, tempDirectory: folder })
      await engine.run(`copy (select ${columns.join(', ')}) to '${file}' (format parquet)`)
      engine.close()
      expect(await check(sourceOfBytes(readFileSync(file)), { key: KEY, mapping: PARQUET })).toMatchObject({
        drift: {
          class: 'retyped',
          changes: [
            { column: 'Qty', kind: 'retyped', old: 'integer', new: 'boolean' },
            { column: 'OrderDate', kind: 'retyped', old: 'date', new: 'integer' },
          ],
        },
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('a file without its footer was cut off', async () => {
    const bytes = await parquetOf(HEADER.split(','))
    const cut = bytes.subarray(0, bytes.length - 100)
    expect(await check(sourceOfBytes(cut), { key: KEY, mapping: PARQUET })).toMatchObject({
      reasonCode: 'truncated_upload',
    })
  })
})
