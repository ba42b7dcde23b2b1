import { describe, expect, test } from '@jest/globals'
import type { RegisteredJob } from '../../../lambdas/messages.ts'
import { pinnedDocumentReader } from '../../../lambdas/validate/pinned-documents.ts'
import { NO_EARLIER_RUNS } from '../../../lambdas/validate/quality-history.ts'
import { validate } from '../../../lambdas/validate/validate.ts'
import { ledgerText } from '../../../lambdas/waivers.ts'
import { MemoryObjects } from '../metadata/fixtures.ts'
import { ACME, HEADER, ORDERS, ROW, RULESET, requestFor, sourceOfBytes } from './sources.ts'

const BUCKETS = { validated: 'validated', curated: 'curated', work: 'work', dqResults: 'dq' }
const COPY_ROLE = 'arn:aws:iam::000000000000:role/sluice-copy'

/** The plan and the load that validation stores for a job. */
async function compiled(waivers: RegisteredJob['waivers']) {
  const objects = new MemoryObjects()
  const request = requestFor('landing/acme/orders/a.csv')
  for (const [kind, document] of Object.entries({ contract: ORDERS, mapping: ACME, ruleset: RULESET })) {
    const { key } = request.configuration[kind as 'contract' | 'mapping' | 'ruleset']
    await objects.put(BUCKETS.work, key, JSON.stringify(document))
  }
  const documents = pinnedDocumentReader(objects, BUCKETS.work)
  const reader = sourceOfBytes(Buffer.from(`${HEADER}\n${ROW}\n`))
  const history = async () => NO_EARLIER_RUNS
  const deps = { reader, objects, documents, history, buckets: BUCKETS, copyRoleArn: COPY_ROLE }
  const result = await validate({ ...request, job: { ...request.job, waivers } }, deps)
  if (!result.valid) throw new Error(result.message)
  const read = ({ bucket, key }: { bucket: string; key: string }) => String(objects.stored.get(`${bucket}/${key}`))
  return { plan: JSON.parse(read(result.plan)), load: read(result.load), planKey: result.plan.key }
}

describe('what an operator waives', () => {
  test('accepted rejects are no more too many, and the pinned contract stays what it was', async () => {
    const [plain, waived] = [await compiled(null), await compiled({ acceptRejects: true, overrideGate: [] })]
    expect([plain.plan.rejectTolerance, waived.plan.rejectTolerance]).toEqual([0.05, 1])
    expect(waived.plan.pinned).toEqual(plain.plan.pinned)
    expect(waived.planKey).not.toBe(plain.planKey)
  })

  test.each([{ named: 'Rule_2' }, { named: 'IsComplete "order_id"' }])(
    'a rule that is overridden as $named only warns, and says so in its labels; the others stop a load as before',
    async ({ named }) => {
      const { plan } = await compiled({ acceptRejects: false, overrideGate: [named] })
      expect(plan.quality.rules).toMatchObject([
        { name: 'Rule_1', severity: 'gate', labels: {} },
        { name: 'Rule_2', severity: 'warn', labels: { severity: 'warn', overridden: 'true' } },
      ])
    },
  )

  test('a rule that the ruleset does not have changes nothing', async () => {
    const { plan } = await compiled({ acceptRejects: false, overrideGate: ['Rule_9'] })
    expect(plan.quality).toEqual((await compiled(null)).plan.quality)
  })

  test('the ledger row says what was waived', async () => {
    const { load } = await compiled({ acceptRejects: true, overrideGate: ['RowCount > 0'] })
    expect(load).toContain("CAST('accept-rejects; override-gate: RowCount > 0' AS VARCHAR(4096))")
    expect((await compiled(null)).load).toContain('CAST(NULL AS VARCHAR(4096))')
  })

  test('the text of the ledger is cut where it would not fit its column', () => {
    const text = ledgerText({ acceptRejects: true, overrideGate: Array.from({ length: 100 }, () => 'ü'.repeat(100)) })
    expect(Buffer.byteLength(text ?? '')).toBeLessThanOrEqual(4096)
    expect(text).not.toContain('\ufffd')
  })
})
