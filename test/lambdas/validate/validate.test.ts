import { describe, expect, test } from '@jest/globals'
import type { ValidateResult } from '../../../lambdas/messages.ts'
import { pinnedDocumentReader } from '../../../lambdas/validate/pinned-documents.ts'
import { NO_EARLIER_RUNS } from '../../../lambdas/validate/quality-history.ts'
import { MAX_SAMPLE_BYTES } from '../../../lambdas/validate/read-sample.ts'
import type { SourceReader } from '../../../lambdas/validate/source-reader.ts'
import { validate } from '../../../lambdas/validate/validate.ts'
import { MemoryObjects } from '../metadata/fixtures.ts'
import { ACME, HEADER, ORDERS, ROW, RULESET, repeatedLine, requestFor, sourceOfBytes } from './sources.ts'

const BUCKETS = {
  validated: 'sluice-validated',
  curated: 'sluice-curated',
  work: 'sluice-work',
  dqResults: 'sluice-dq',
}
const COPY_ROLE = 'arn:aws:iam::000000000000:role/sluice-copy'

async function run(reader: SourceReader, key = 'landing/acme/orders/a.csv', contract = ORDERS) {
  const objects = new MemoryObjects()
  const request = requestFor(key, contract)
  for (const [kind, document] of Object.entries({ contract, mapping: ACME, ruleset: RULESET })) {
    const { key: place } = request.configuration[kind as 'contract' | 'mapping' | 'ruleset']
    await objects.put(BUCKETS.work, place, JSON.stringify(document))
  }
  const documents = pinnedDocumentReader(objects, BUCKETS.work)
  const history = async () => NO_EARLIER_RUNS
  const deps = { reader, objects, documents, history, buckets: BUCKETS, copyRoleArn: COPY_ROLE }
  const result = await validate(request, deps)
  return { result, objects }
}

const GOOD = `${HEADER}\n${ROW}\n`

function valid(result: ValidateResult): Extract<ValidateResult, { valid: true }> {
  if (result.valid) return result
  throw new Error(`${result.reasonCode}: ${result.message}`)
}

describe('validate', () => {
  test('VAL-29: a good file is answered with pointers to a stored plan and load', async () => {
    const { result, objects } = await run(sourceOfBytes(Buffer.from(GOOD), 'ab'.repeat(32)))
    const { plan, load, ...rest } = valid(result)
    expect(rest).toMatchObject({
      engine: 'small',
      sizeBytes: GOOD.length,
      sha256: 'ab'.repeat(32),
      validated: { bucket: BUCKETS.validated, key: `acme/orders/job=j${'0'.repeat(24)}/a.csv` },
      drift: { class: 'none', added: [], missing: [], changes: [] },
    })
    const stored = JSON.parse(String(objects.stored.get(`${plan.bucket}/${plan.key}`)))
    expect(stored).toMatchObject({
      planVersion: 1,
      tenantId: 'acme',
      engine: 'small',
      inputs: [{ sizeBytes: GOOD.length }],
    })
    expect(JSON.parse(String(objects.stored.get(`${load.bucket}/${load.key}`)))).toMatchObject({ loadPlanVersion: 1 })
    expect(load.key).toBe(plan.key.replace('plan.json', 'load.json'))
  })

  test('VAL-32: the same version under the same configuration gives the same bytes', async () => {
    const first = await run(sourceOfBytes(Buffer.from(GOOD)))
    const second = await run(sourceOfBytes(Buffer.from(GOOD)))
    expect(second.result).toEqual(first.result)
    expect([...second.objects.stored]).toEqual([...first.objects.stored])
  })

  test('VAL-09: a 5 GB object is asked for as many bytes as a 5 MB one, and never for more than a bounded sample', async () => {
    const contract = { ...ORDERS, limits: { ...ORDERS.limits, bytes: 50e9 } }
    const large = repeatedLine(`${HEADER}\n`, `${ROW}\n`, HEADER.length + 1 + (ROW.length + 1) * 58_000_000)
    const small = repeatedLine(`${HEADER}\n`, `${ROW}\n`, HEADER.length + 1 + (ROW.length + 1) * 58_000)
    const tiny = sourceOfBytes(Buffer.from(`${HEADER}\n${`${ROW}\n`.repeat(58)}`))
    expect(valid((await run(large, undefined, contract)).result).engine).toBe('large')
    expect(valid((await run(small, undefined, contract)).result).engine).toBe('small')
    valid((await run(tiny, undefined, contract)).result)
    expect(large.asked.bytes).toBeLessThanOrEqual(small.asked.bytes + 3)
    expect(large.asked.ranges).toBe(2)
    expect(large.asked.bytes).toBeLessThan(MAX_SAMPLE_BYTES / 10)
    expect(tiny.asked).toEqual({ bytes: HEADER.length + 1 + (ROW.length + 1) * 58, ranges: 1 })
  })

  test('the answer stays below 4 KB whatever header and key are', async () => {
    const wide = Array.from({ length: 150 }, (_, index) => `${'ä'.repeat(60)}${index}`).join(',')
    const key = `landing/acme/orders/${'ü'.repeat(480)}.csv`
    const { result } = await run(sourceOfBytes(Buffer.from(`${HEADER},${wide}\n`)), key)
    expect(valid(result).drift.added).toHaveLength(20)
    expect(valid(result).drift.changes).toHaveLength(20)
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(6144)
  })

  test('VAL-04: a renamed required column is an answer with its name, and nothing is stored', async () => {
    const { result, objects } = await run(sourceOfBytes(Buffer.from(GOOD.replace('OrderId', 'OrderNo'))))
    expect(result).toMatchObject({
      valid: false,
      reasonCode: 'missing_required_column',
      details: { missing: ['OrderId'] },
      drift: { class: 'missing', added: ['OrderNo'], missing: ['OrderId'] },
    })
    expect(objects.puts.filter((put) => put.includes('/plans/'))).toEqual([])
  })

  test('a version that is gone is source_missing', async () => {
    const gone: SourceReader = { head: async () => null, range: async () => null }
    expect((await run(gone)).result).toMatchObject({ valid: false, reasonCode: 'source_missing' })
  })

  test('a configuration document that does not have its hash is refused by name', async () => {
    const objects = new MemoryObjects()
    const { configuration } = requestFor('landing/acme/orders/a.csv')
    for (const { key } of [configuration.contract, configuration.mapping, configuration.ruleset])
      await objects.put(BUCKETS.work, key, '{"dataset":"other"}')
    await expect(pinnedDocumentReader(objects, BUCKETS.work)(configuration)).rejects.toMatchObject({
      name: 'ConfigurationDamaged',
    })
  })
})
