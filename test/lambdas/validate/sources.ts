import type { Contract } from '../../../core/contract.ts'
import { digestOfJson } from '../../../core/digest.ts'
import type { DatasetName, JobId, TenantId } from '../../../core/identifiers.ts'
import type { InputOptions, Mapping } from '../../../core/mapping.ts'
import { COMPILER_VERSION } from '../../../lambdas/compiler-version.ts'
import type { ValidateRequest } from '../../../lambdas/messages.ts'
import { type CheckedSource, checkSource } from '../../../lambdas/validate/check-source.ts'
import type { Refusal } from '../../../lambdas/validate/refusal.ts'
import type { SourceReader } from '../../../lambdas/validate/source-reader.ts'
import { contractOf, mappingOf, sourceOf } from '../metadata/fixtures.ts'

/** A source whose bytes are made when asked for, and that counts what was asked. */
export interface FakeSource extends SourceReader {
  readonly asked: { bytes: number; ranges: number }
}

export function fakeSource(
  sizeBytes: number,
  read: (first: number, last: number) => Uint8Array,
  sha256: string | null = null,
): FakeSource {
  const asked = { bytes: 0, ranges: 0 }
  return {
    asked,
    head: async () => ({ sizeBytes, sha256, announcedTenant: null }),
    range: async (_, first, last) => {
      if (first > last || last >= sizeBytes) throw new RangeError(`bytes=${first}-${last} of ${sizeBytes}`)
      asked.bytes += last - first + 1
      asked.ranges += 1
      return read(first, last)
    },
  }
}

export const sourceOfBytes = (bytes: Uint8Array, sha256: string | null = null): FakeSource =>
  fakeSource(bytes.length, (first, last) => bytes.subarray(first, last + 1), sha256)

/** One line over and over, without holding it: a file of any size. */
export const repeatedLine = (header: string, line: string, sizeBytes: number): FakeSource => {
  const head = Buffer.from(header)
  const body = Buffer.from(line)
  return fakeSource(sizeBytes, (first, last) => {
    const bytes = Buffer.alloc(last - first + 1)
    for (let index = 0; index < bytes.length; index += 1) {
      const at = first + index
      bytes[index] = (at < head.length ? head[at] : body[(at - head.length) % body.length]) ?? 0
    }
    return bytes
  })
}

export const ORDERS = contractOf('orders')
export const ACME = mappingOf('acme', 'orders')
export const HEADER = 'OrderId,Customer,Email,State,Qty,Price,Total,Currency,Discount,Express,OrderDate,Updated,Note'
export const ROW = 'A-1,C-1,a@b.example,new,2,5.00,10.00,EUR,0.1,true,2026-02-01,2026-02-01T10:00:00Z,fine'

export const withInput = (input: Partial<InputOptions>): Mapping => ({ ...ACME, input: { ...ACME.input, ...input } })
export const withContract = (more: Partial<Contract>): Contract => ({ ...ORDERS, ...more })

/** Checks content as the given name, under the orders contract and the mapping of acme unless told otherwise. */
export function check(
  content: string | Uint8Array | FakeSource,
  { key = 'landing/acme/orders/a.csv', mapping = ACME, contract = ORDERS } = {},
): Promise<CheckedSource | Refusal> {
  const reader =
    typeof content === 'string' || content instanceof Uint8Array ? sourceOfBytes(Buffer.from(content)) : content
  return checkSource(sourceOf(key), { contract, mapping, reader })
}

export const RULESET = { dqdl: 'Rules = [ RowCount > 0, IsComplete "order_id" ]', translations: {} }

const pinned = (kind: string, document: unknown, version = 1) => {
  const hash = digestOfJson(document)
  return { key: `config/acme/${kind}/${hash}.json`, hash, version }
}

export const requestFor = (key: string, contract = ORDERS, mapping = ACME): ValidateRequest => ({
  job: {
    jobId: `j${'0'.repeat(24)}` as JobId,
    tenantId: 'acme' as TenantId,
    dataset: 'orders' as DatasetName,
    attempt: 1,
    attemptKind: 'initial',
    publication: 1,
    registeredAt: '2026-03-01T10:00:00.000Z',
    firstRegisteredAt: '2026-03-01T10:00:00.000Z',
    ingestDate: '2026-03-01',
    idempotencyKey: 'k',
    replayId: null,
    waivers: null,
  },
  source: sourceOf(key),
  configuration: {
    hash: 'c'.repeat(64),
    contract: pinned('contract', contract),
    mapping: pinned('mapping', mapping),
    ruleset: pinned('ruleset', RULESET),
    compilerVersion: COMPILER_VERSION,
  },
})
