import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import type { InputOptions } from '../../../core/mapping.ts'
import type { ReasonCode } from '../../../core/reason-codes.ts'
import { isRefusal } from '../../../lambdas/validate/refusal.ts'
import { ACME, check, HEADER, ORDERS, ROW, repeatedLine, sourceOfBytes, withContract, withInput } from './sources.ts'

const GOOD = `${HEADER}\n${ROW}\n${ROW}\n`
const utf16 = (text: string, bigEndian = false, mark = true): Buffer => {
  const bytes = Buffer.from(mark ? `\ufeff${text}` : text, 'utf16le')
  return bigEndian ? bytes.swap16() : bytes
}
const JSON_LINES = withInput({ format: 'json_lines' })
const JSON_ARRAY = withInput({ format: 'json_array' })
const RECORD = Object.fromEntries(HEADER.split(',').map((name, index) => [name, ROW.split(',')[index]]))
const LINE = JSON.stringify(RECORD)

interface Accepted {
  readonly why: string
  readonly content: string | Uint8Array
  readonly key?: string
  readonly input?: Partial<InputOptions>
  readonly sees?: Record<string, unknown>
}

const ACCEPTED: readonly Accepted[] = [
  { why: 'VAL-05: UTF-8', content: GOOD, sees: { encoding: 'utf-8', compression: 'none' } },
  {
    why: 'VAL-05: UTF-8 with a byte order mark',
    content: `\ufeff${GOOD}`,
    sees: { encoding: 'utf-8', header: HEADER.split(',') },
  },
  {
    why: 'VAL-05: UTF-16LE with a byte order mark',
    content: utf16(GOOD),
    sees: { encoding: 'utf-16le', header: HEADER.split(',') },
  },
  { why: 'VAL-05: UTF-16BE with a byte order mark', content: utf16(GOOD, true), sees: { encoding: 'utf-16be' } },
  {
    why: 'VAL-05: UTF-16 without a byte order mark',
    content: utf16(GOOD, false, false),
    sees: { encoding: 'utf-16le' },
  },
  {
    why: 'VAL-05: Latin-1 where the mapping says so',
    content: Buffer.from(GOOD.replace('fine', 'Grüße'), 'latin1'),
    input: { encoding: 'latin-1' },
    sees: { encoding: 'latin-1' },
  },
  { why: 'VAL-12: gzip under any name', content: gzipSync(GOOD), sees: { compression: 'gzip' } },
  {
    why: 'VAL-12: gzip even under a suffix that is refused',
    content: gzipSync(GOOD),
    key: 'landing/acme/orders/a.zip',
    sees: { compression: 'gzip' },
  },
  { why: 'a header without a row', content: `${HEADER}\n`, sees: { header: HEADER.split(',') } },
  { why: 'a header without a row and without a line end', content: HEADER },
  { why: 'a last record without a line end', content: GOOD.trimEnd() },
  { why: 'CRLF', content: GOOD.replaceAll('\n', '\r\n') },
  {
    why: 'a quoted header and quoted line breaks',
    content: `"${HEADER.split(',').join('","')}"\n${ROW.replace('fine', '"a\n""b"""')}\n`,
  },
  {
    why: 'columns in another order',
    content: `${HEADER.split(',').toReversed().join(',')}\n${ROW.split(',').toReversed().join(',')}\n`,
    sees: { drift: { class: 'reordered', added: [], missing: [] } },
  },
  {
    why: 'SCH-24: a column more',
    content: `${HEADER},Gift\n${ROW},no\n`,
    sees: { drift: { class: 'additive', added: ['Gift'], missing: [] } },
  },
  {
    why: 'SCH-33: a column that no required one needs is missing',
    content: `${HEADER.replace(',Note', '')}\n${ROW.replace(',fine', '')}\n`,
    sees: { drift: { class: 'missing', added: [], missing: ['Note'] } },
  },
  { why: 'names with blanks around them', content: GOOD.replaceAll('OrderId', ' OrderId ') },
  {
    why: 'no header where the mapping names the columns',
    content: `${ROW}\n`,
    input: { header: false, columns: HEADER.split(',') },
    sees: { header: HEADER.split(',') },
  },
  {
    why: 'JSON lines',
    content: `${LINE}\n${LINE}\n`,
    input: { format: 'json_lines' },
    sees: { header: HEADER.split(',') },
  },
  {
    why: 'IN-11: JSON lines with a member less and one more',
    content: `${JSON.stringify({ ...RECORD, Note: undefined, Gift: 1 })}\n`,
    input: { format: 'json_lines' },
    sees: { drift: { class: 'missing', added: ['Gift'], missing: ['Note'] } },
  },
  {
    why: 'SCH-28: an object where a single value was',
    content: `${JSON.stringify({ ...RECORD, Note: { a: 1 } })}\n`,
    input: { format: 'json_lines' },
    sees: { drift: { class: 'structural', added: [], missing: [] } },
  },
  { why: 'a JSON array', content: `[${LINE},\n${LINE}]\n`, input: { format: 'json_array' } },
  { why: 'an empty JSON array', content: `${' '.repeat(20)}[]`, input: { format: 'json_array' } },
  { why: 'brackets in a delimited file', content: `${HEADER}\n${ROW.replace('fine', '[a]')}\n` },
]

interface Refused {
  readonly why: string
  readonly content: string | Uint8Array | ReturnType<typeof repeatedLine>
  readonly code: ReasonCode
  readonly key?: string
  readonly mapping?: typeof ACME
  readonly contract?: typeof ORDERS
  readonly details?: Record<string, unknown>
}

const LONG = `${HEADER}\n${'x'.repeat(600)}`

const REFUSED: readonly Refused[] = [
  { why: 'an object without bytes', content: '', code: 'empty_object' },
  { why: 'VAL-27: a 5-byte file', content: 'a,b,c', code: 'file_too_small', details: { sizeBytes: 5, minBytes: 16 } },
  {
    why: 'VAL-06: a file over the limit',
    content: GOOD,
    contract: withContract({ limits: { ...ORDERS.limits, bytes: 100 } }),
    code: 'file_too_large',
  },
  {
    why: 'VAL-26: an .exe',
    content: GOOD,
    key: 'landing/acme/orders/setup.exe',
    code: 'unsupported_extension',
    details: { suffix: 'exe' },
  },
  {
    why: 'IN-27: an .xlsx',
    content: Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(64)]),
    key: 'landing/acme/orders/a.xlsx',
    code: 'unsupported_extension',
  },
  {
    why: 'VAL-12: a zip under a good name',
    content: Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(64)]),
    code: 'unsupported_compression',
    details: { found: 'zip' },
  },
  {
    why: 'VAL-12: gzip where the mapping says none',
    content: gzipSync(GOOD),
    mapping: withInput({ compression: 'none' }),
    code: 'unsupported_compression',
  },
  {
    why: 'damaged gzip',
    content: Buffer.concat([gzipSync(GOOD).subarray(0, -8), Buffer.alloc(8, 7)]),
    code: 'unsupported_compression',
  },
  { why: 'gzip that was cut off', content: gzipSync(GOOD.repeat(50)).subarray(0, 100), code: 'truncated_upload' },
  { why: 'a PDF', content: `%PDF-1.7\n${GOOD}`, code: 'unsupported_format' },
  {
    why: 'VAL-05: bytes that are no UTF-8',
    content: Buffer.from(`${GOOD}${'\xff\xfe\x80\x81'.repeat(9)}`, 'latin1'),
    code: 'bad_encoding',
    details: { suspicion: null },
  },
  {
    why: 'VAL-05: Latin-1 that the mapping does not declare, with the suspicion',
    content: Buffer.from(GOOD.replace('fine', 'Grüße'), 'latin1'),
    code: 'bad_encoding',
    details: { encoding: 'utf-8', suspicion: 'latin-1' },
  },
  {
    why: 'UTF-16 where the mapping says UTF-8',
    content: utf16(GOOD),
    mapping: withInput({ encoding: 'utf-8' }),
    code: 'bad_encoding',
  },
  { why: 'binary zeros', content: `${GOOD}${'\0'.repeat(20)}`, code: 'bad_encoding' },
  { why: 'VAL-28: nothing but blanks', content: ' \r\n'.repeat(40), code: 'empty_sample' },
  {
    why: 'VAL-07: JSON lines named .csv',
    content: `${LINE}\n${LINE}\n`,
    code: 'unsupported_format',
    details: { expected: 'csv', found: 'json_lines' },
  },
  {
    why: 'VAL-07: markup named .csv',
    content: `<?xml version="1.0"?>\n<a/>\n`,
    code: 'unsupported_format',
    details: { expected: 'csv', found: 'markup' },
  },
  {
    why: 'VAL-33: broken nesting in the first JSON line',
    content: `{"OrderId": {"a": 1}\n${LINE}\n`,
    mapping: JSON_LINES,
    code: 'malformed_json',
  },
  {
    why: 'IN-11: a page that is no JSON',
    content: '<html>503 Service Unavailable</html>\n',
    mapping: JSON_LINES,
    code: 'malformed_json',
  },
  {
    why: 'a JSON array where lines are declared',
    content: `[${LINE}]`,
    mapping: JSON_LINES,
    code: 'unsupported_format',
  },
  {
    why: 'JSON lines where an array is declared',
    content: `${LINE}\n`,
    mapping: JSON_ARRAY,
    code: 'unsupported_format',
  },
  {
    why: 'a JSON array that was cut off',
    content: `[${LINE},\n${LINE.slice(0, 40)}`,
    mapping: JSON_ARRAY,
    code: 'truncated_upload',
  },
  {
    why: 'JSON lines that were cut off',
    content: `${LINE}\n${LINE.slice(0, 40)}`,
    mapping: JSON_LINES,
    code: 'truncated_upload',
  },
  {
    why: 'VAL-33: records without a required member',
    content: `${JSON.stringify({ ...RECORD, OrderId: undefined })}\n`,
    mapping: JSON_LINES,
    code: 'missing_required_column',
    details: { missing: ['OrderId'] },
  },
  {
    why: 'VAL-08: columns that do not satisfy the mapping, with the unmatched sources',
    content: GOOD.replace('OrderId', 'Id').replace('Qty', 'Count'),
    code: 'missing_required_column',
    details: { missing: ['OrderId', 'Qty'] },
  },
  {
    why: 'VAL-14: a name twice',
    content: GOOD.replace('Customer', 'Email'),
    code: 'header_duplicate',
    details: { names: ['Email'] },
  },
  {
    why: 'VAL-15: a blank name',
    content: GOOD.replace('Email', ' '),
    code: 'header_blank',
    details: { positions: [3] },
  },
  {
    why: 'VAL-16: a semicolon file declared comma',
    content: GOOD.replaceAll(',', ';'),
    code: 'delimiter_mismatch',
    details: { declared: ',', suggestion: ';' },
  },
  {
    why: 'VAL-16: a tab file declared comma, whose notes have commas',
    content: GOOD.replaceAll(',', '\t').replaceAll('fine', 'a, b, c'),
    code: 'delimiter_mismatch',
    details: { suggestion: '\t' },
  },
  {
    why: 'SCH-31: a column more where the contract rejects them',
    content: `${HEADER},Gift\n${ROW},no\n`,
    contract: withContract({ drift: { ...ORDERS.drift, additive: 'reject' } }),
    code: 'unexpected_column',
    details: { unexpected: ['Gift'] },
  },
  {
    why: 'more columns than allowed',
    content: `${HEADER},${Array.from({ length: 300 }, (_, index) => `c${index}`).join(',')}\n`,
    code: 'too_many_columns',
    details: { columns: 313, maxColumns: 200 },
  },
  {
    why: 'IN-17: a file that ends with too few columns',
    content: GOOD + ROW.slice(0, 30),
    code: 'truncated_upload',
    details: { openQuote: false, expectedColumns: 13 },
  },
  {
    why: 'IN-17: a file that ends inside a quoted field',
    content: `${GOOD}${ROW.replace('fine', '"half of a no')}`,
    code: 'truncated_upload',
    details: { openQuote: true },
  },
  {
    why: 'VAL-11: a first record over the limit',
    content: LONG,
    contract: withContract({ limits: { ...ORDERS.limits, rowBytes: 500 } }),
    code: 'row_too_long',
  },
  {
    why: 'VAL-11: a 50 MB line',
    content: repeatedLine(`${HEADER}\n`, 'x', 50_000_000),
    code: 'row_too_long',
    details: { maxRowBytes: ORDERS.limits.rowBytes },
  },
  {
    why: 'IN-17: a long file that ends with too few columns',
    content: repeatedLine(`${HEADER}\n`, `${ROW}\n`, HEADER.length + 1 + (ROW.length + 1) * 9000 + 30),
    code: 'truncated_upload',
  },
  {
    why: 'IN-17: a long file with quoted line breaks that ends with too few columns',
    content: repeatedLine(
      `${HEADER}\n`,
      `${ROW.replace('fine', '"a\nb"')}\n`,
      HEADER.length + 1 + (ROW.length + 2) * 9000 + 30,
    ),
    code: 'truncated_upload',
  },
  {
    why: 'VAL-13: gzip that expands by more than the limit',
    content: gzipSync(Buffer.alloc(40_000_000, 0x61)),
    code: 'compression_bomb',
    details: { maxRatio: 200 },
  },
  {
    why: 'gzip of an unreadable kind',
    content: gzipSync(Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), Buffer.alloc(64)])),
    code: 'unsupported_format',
    details: { found: 'zip' },
  },
  {
    why: 'Parquet where csv is declared',
    content: `PAR1${' '.repeat(40)}PAR1`,
    code: 'unsupported_format',
    details: { found: 'parquet' },
  },
  {
    why: 'csv where Parquet is declared',
    content: GOOD,
    mapping: withInput({ format: 'parquet' }),
    code: 'unsupported_format',
    details: { expected: 'parquet' },
  },
]

describe('checking a source', () => {
  for (const { why, content, key, input, sees } of ACCEPTED)
    test(`accepts ${why}`.replace(/accepts ([A-Z]+-\d+): /, '$1: accepts '), async () => {
      const seen = await check(content, { ...(key === undefined ? {} : { key }), mapping: withInput(input ?? {}) })
      expect(isRefusal(seen) ? seen : null).toBeNull()
      expect(seen).toMatchObject(sees ?? {})
    })

  for (const { why, content, code, key, mapping, contract, details } of REFUSED)
    test(`refuses ${why} as ${code}`.replace(/refuses ([A-Z]+-\d+): /, '$1: refuses '), async () => {
      const seen = await check(content, {
        ...(key === undefined ? {} : { key }),
        mapping: mapping ?? ACME,
        contract: contract ?? ORDERS,
      })
      expect(isRefusal(seen) ? seen.reasonCode : 'accepted').toBe(code)
      expect(seen).toMatchObject({ details: details ?? {} })
    })

  test('a long file whose last record is whole is no truncation, with or without a last line end', async () => {
    const size = HEADER.length + 1 + (ROW.length + 1) * 9000
    for (const bytes of [size, size - 1]) {
      const seen = await check(repeatedLine(`${HEADER}\n`, `${ROW}\n`, bytes))
      expect(isRefusal(seen)).toBe(false)
    }
  })

  test('TEN-06: an object that names another tenant than its key is refused before a byte of it is read', async () => {
    const bytes = Buffer.from(GOOD)
    const reading = (announcedTenant: string | null) => {
      const source = sourceOfBytes(bytes)
      return check({ ...source, head: async () => ({ sizeBytes: bytes.length, sha256: null, announcedTenant }) })
    }
    expect(await reading('globex')).toMatchObject({
      reasonCode: 'tenant_mismatch',
      details: { expected: 'acme', found: 'globex' },
    })
    for (const same of ['acme', null]) expect(isRefusal(await reading(same))).toBe(false)
  })

  test('VAL-13: a bomb is judged by a sample of it', async () => {
    const bomb = gzipSync(Buffer.alloc(400_000_000, 0x61))
    const source = {
      head: async () => ({ sizeBytes: bomb.length, sha256: null, announcedTenant: null }),
      range: async (_: unknown, first: number, last: number) => bomb.subarray(first, last + 1),
    }
    expect(await check({ ...source, asked: { bytes: 0, ranges: 0 } })).toMatchObject({ reasonCode: 'compression_bomb' })
  })

  /** Header and one row, by `zstd -19`. */
  const ZSTD = Buffer.from(
    'KLUv/QRoZQQAookeGFBZB/HSB4hJ2AXN+OfpTxuxOxNmZmYEEwBzGXZqi5WS3GBuQMydZ7D2pbCHJmXld4Xh8yFzZ83bqMhCZVDkMjgA7o75xU0vbzo3Tf59XD1ReXNgZ31Z8tHiuFYQuUa7k85WVp2P/ZybdnQto5vyylvXH4j8WipftQkFALqgu1grJRgfiEO5cBS3YrEB',
    'base64',
  )

  test('VAL-12: accepts zstd, and sees where it was cut off', async () => {
    expect(await check(ZSTD)).toMatchObject({ compression: 'zstd', header: HEADER.split(',') })
    expect(await check(ZSTD.subarray(0, 60))).toMatchObject({ reasonCode: 'truncated_upload' })
  })
})
