import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, test } from '@jest/globals'
import type { DatasetName, TenantId } from '../../../core/identifiers.ts'
import { depthOf } from '../../../dqdl/operands.ts'
import { parseRuleset } from '../../../dqdl/parse.ts'
import { historyKey, historyPrefix, registeredAtOf } from '../../../glue/quality-history.ts'
import { NO_EARLIER_RUNS, qualityHistoryReader } from '../../../lambdas/validate/quality-history.ts'

const OWNER = {
  dataset: 'orders' as DatasetName,
  tenantId: 'acme' as TenantId,
  firstRegisteredAt: '2026-03-11T00:00:00.000Z',
}
const depth = (rules: string): number => depthOf(parseRuleset(`Rules = [ ${rules} ]`).ruleset)

describe('earlier results', () => {
  test('DQ-23: as many are read as the rules look back', () => {
    expect(depth('RowCount > 1, Mean "a" < 3 + 4')).toBe(0)
    expect(depth('RowCount > last()')).toBe(1)
    expect(depth('(RowCount > 1) or (Mean "a" > 2 * avg(last(7))), Sum "a" > max(last(3))')).toBe(7)
    expect(depth('RowCount > index(last(12), 11)')).toBe(12)
  })

  test('DQ-23: the keys of later jobs come first in a listing, and belong to one tenant', () => {
    const key = (registeredAt: string) => historyKey({ ...OWNER, jobId: 'j1', registeredAt })
    expect(key('2026-03-11T00:00:00Z') < key('2026-03-10T23:59:59.999Z')).toBe(true)
    expect(key('2026-03-11T00:00:00Z').startsWith(historyPrefix(OWNER))).toBe(true)
    expect(historyPrefix(OWNER)).toBe('orders/tenant=acme/history/')
    expect(registeredAtOf(key('2026-03-10T23:59:59.999Z'))).toBe('2026-03-10T23:59:59.999Z')
  })

  test('a ruleset that does not look back reads nothing', async () => {
    // No credentials and no endpoint: a request would fail.
    const client = new S3Client({ region: 'us-east-2', endpoint: 'http://127.0.0.1:1', maxAttempts: 1 })
    const earlier = await qualityHistoryReader(client, 'sluice-dq')(OWNER, 'Rules = [ RowCount > 1 ]')
    expect(earlier).toBe(NO_EARLIER_RUNS)
  })

  test('DQ-27: a daily rule is due in the first run of a day of a tenant, and not again, however the job is tried', async () => {
    const kept = ['2026-03-10T23:50:00.000Z', '2026-03-09T08:00:00.000Z']
    const listed = (hours: readonly string[]) => hours.map((at) => ({ at, keptAt: new Date(Date.parse(at) + 60_000) }))
    const dueAt = async (firstRegisteredAt: string, hours: readonly string[]): Promise<boolean> => {
      const rules = 'Rules = [ RowCount > 1, Mean "a" > 2 labels=["cadence"="daily"] ]'
      const { judgedToday } = await answering(listed(hours), (client) =>
        qualityHistoryReader(client, 'sluice-dq')({ ...OWNER, firstRegisteredAt }, rules),
      )
      return !judgedToday
    }
    expect(await dueAt('2026-03-11T00:00:30.000Z', kept)).toBe(true)
    expect(await dueAt('2026-03-11T09:00:00.000Z', ['2026-03-11T08:00:00.000Z', ...kept])).toBe(false)
    // A run of the same day that had not ended when this one was registered: both judge the rule.
    expect(await dueAt('2026-03-11T08:00:30.000Z', ['2026-03-11T08:00:00.000Z', ...kept])).toBe(true)
    expect(await dueAt('2026-03-11T09:00:00.000Z', [])).toBe(true)
  })
})

/** What a bucket's endpoint answers to a listing of results. */
async function answering<T>(results: readonly Kept[], work: (client: S3Client) => Promise<T>): Promise<T> {
  const contents = results.map(({ at, keptAt }) => {
    const key = historyKey({ ...OWNER, jobId: 'j1', registeredAt: at })
    return `<Contents><Key>${key}</Key><LastModified>${keptAt.toISOString()}</LastModified></Contents>`
  })
  const server = createServer((_, response) =>
    response.end(`<ListBucketResult>${contents.join('')}</ListBucketResult>`),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = new S3Client({
    region: 'us-east-2',
    endpoint: `http://127.0.0.1:${port}`,
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  })
  try {
    return await work(client)
  } finally {
    client.destroy()
    server.close()
  }
}
interface Kept {
  readonly at: string
  readonly keptAt: Date
}
