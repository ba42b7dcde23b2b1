import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, test } from '@jest/globals'
import type { DatasetName, TenantId } from '../../../core/identifiers.ts'
import { depthOf } from '../../../dqdl/operands.ts'
import { parseRuleset } from '../../../dqdl/parse.ts'
import { historyKey, historyPrefix } from '../../../glue/quality-history.ts'
import { qualityHistoryReader } from '../../../lambdas/validate/quality-history.ts'

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
  })

  test('a ruleset that does not look back reads nothing', async () => {
    // No credentials and no endpoint: a request would fail.
    const client = new S3Client({ region: 'us-east-2', endpoint: 'http://127.0.0.1:1', maxAttempts: 1 })
    const history = await qualityHistoryReader(client, 'sluice-dq')(OWNER, 'Rules = [ RowCount > 1 ]')
    expect(history('Dataset.*.RowCount')).toEqual([])
  })
})
