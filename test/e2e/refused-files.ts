import { gzipSync } from 'node:zlib'
import type { ReasonCode } from '../../core/reason-codes.ts'

/** A file that is refused for what it is or where it lies. */
export interface RefusedFile {
  readonly reasonCode: ReasonCode
  /** Key below `landing/`. */
  readonly key: string
  readonly content: string | Uint8Array
  /** Of the object, beside its content. */
  readonly metadata?: Readonly<Record<string, string>>
}

const HEADER = 'id,amount,at,note'
const row = (id: string, amount = '1.00', note = ''): string => `${id},${amount},2026-01-01T00:00:00Z,${note}`
const rows = (count: number, of: (index: number) => string): string[] => Array.from({ length: count }, (_, i) => of(i))
const csv = (...lines: string[]): string => `${[HEADER, ...lines].join('\n')}\n`

const events = (reasonCode: ReasonCode, content: string | Uint8Array, name = `${reasonCode}.csv`): RefusedFile => ({
  reasonCode,
  key: `globex/events/${name}`,
  content,
})

/** One file for each reason that a file alone can reach. */
export const REFUSED_FILES: readonly RefusedFile[] = [
  { reasonCode: 'unknown_tenant', key: 'nobody/events/a.csv', content: csv(row('a')) },
  { reasonCode: 'tenant_suspended', key: 'asleep/events/a.csv', content: csv(row('a')) },
  { reasonCode: 'unknown_dataset', key: 'globex/nothing/a.csv', content: csv(row('a')) },
  { reasonCode: 'invalid_key_prefix', key: 'a.csv', content: csv(row('a')) },
  { ...events('tenant_mismatch', csv(row('a'))), metadata: { 'tenant-id': 'acme' } },
  events('empty_object', ''),
  events('file_too_small', 'id,amount\n'),
  events('file_too_large', csv(...rows(3000, (index) => row(`large${index}`)))),
  events('unsupported_extension', csv(row('a')), 'report.pdf'),
  events('unsupported_format', '%PDF-1.7\n% some pages\n'),
  events('unsupported_compression', Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(64, 1)])),
  events('bad_encoding', Buffer.concat([Buffer.from(csv(row('a', '1.00', 'caf'))), Buffer.from([0xe9, 0x0a])])),
  events('empty_sample', ' \n'.repeat(12)),
  { reasonCode: 'malformed_json', key: 'globex/lines/a.json', content: '{"id": "a", "reading": }\n' },
  events('missing_required_column', 'id,at,note\na,2026-01-01T00:00:00Z,\n'),
  events('unexpected_column', 'id,amount,at,note,colour\na,1.00,2026-01-01T00:00:00Z,,red\n'),
  events('header_duplicate', 'id,amount,at,note,note\na,1.00,2026-01-01T00:00:00Z,,\n'),
  events('header_blank', 'id,amount,at,note,\na,1.00,2026-01-01T00:00:00Z,,\n'),
  events('delimiter_mismatch', csv(row('a')).replaceAll(',', ';')),
  events('too_many_columns', 'id,amount,at,note,a,b,c\na,1.00,2026-01-01T00:00:00Z,,1,2,3\n'),
  events('row_too_long', csv(row('a', '1.00', 'x'.repeat(300)))),
  events('truncated_upload', `${csv(row('a'))}b,1.0`),
  events('compression_bomb', gzipSync(Buffer.alloc(17 * 1024 * 1024, 'a')), 'bomb.csv.gz'),
  { reasonCode: 'type_drift', key: 'globex/strict/a.csv', content: 'id,reading\na,1\nb,many\n' },
  { reasonCode: 'breaking_change', key: 'globex/alerted/a.csv', content: 'id,other\na,1\n' },
  events('too_many_rejects', csv(row('a', 'many'), row('b', 'few'), row('c'))),
  events('malformed_records', csv(row('a'), row('b', '1.00', '"open'), row('c'))),
  events('gate_failed', csv(row('gate-1', '1.00', 'gate'))),
  events('gate_error', csv(row('gate-2', '1.00', '('))),
]
