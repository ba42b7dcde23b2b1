import { expect, test } from '@jest/globals'
import type { JobId, TenantId } from '../../core/identifiers.ts'
import { deploymentStatements } from '../../warehouse/deploy.ts'
import { compileLoad } from '../../warehouse/load.ts'
import { SIGHTINGS, STOCK } from './contracts.ts'

const job = {
  jobId: 'j000000000000000000000001' as JobId,
  registeredAt: '2026-01-01T00:00:00.000Z',
  sourceKey: 'landing/acme/a.csv',
  sourceModifiedAt: '2026-01-01T00:00:00.000Z',
  sequencer: '00',
  mappingVersion: 1,
}

test.each([STOCK, SIGHTINGS])(
  'WH-05: no statement of a load of $dataset lists rows: data comes by COPY, and each INSERT selects',
  (contract) => {
    const options = {
      copyRoleArn: 'arn:aws:iam::000000000000:role/copy',
      tenantId: 'acme' as TenantId,
      waivers: null,
      jobs: [job],
    }
    const { stage, transaction } = compileLoad(contract, options)
    const statements = [...stage, ...transaction]
    const inserts = statements.filter((sql) => /^INSERT /.test(sql))
    expect(statements.some((sql) => /^COPY /.test(sql))).toBe(true)
    expect(inserts.length).toBeGreaterThan(0)
    for (const sql of inserts) expect(sql).toMatch(/^INSERT INTO [^(]+\([^)]+\)\s+SELECT /)
    expect(statements.filter((sql) => /\bVALUES\s*\(\s*[^"s]/i.test(sql))).toEqual([])
  },
)

test('WH-05: a deployment writes no data row by row either', () => {
  const batches = deploymentStatements([STOCK, SIGHTINGS], { loaderUser: 'IAMR:l', tenants: ['acme' as TenantId] })
  for (const { sqls } of batches) for (const sql of sqls) expect(sql).not.toMatch(/^INSERT INTO "mart"/)
})
