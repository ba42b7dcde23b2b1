import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { JobDocument } from '../../cli/job-document.ts'
import { readProject } from '../../cli/project.ts'
import { mappingForSmoke, readSmokeFiles } from '../../cli/smoke/files.ts'
import { complaintAbout } from '../../cli/smoke/run.ts'
import { parseMapping } from '../../core/parse-mapping.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-smoke-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('smoke files', () => {
  test('DEP-11: every dataset of the repository has one, read by a mapping of the smoke tenant', () => {
    const files = readSmokeFiles('smoke', 'contracts')
    const { contracts } = readProject({ contracts: 'contracts', rules: 'dq-rules' })
    expect(files.map(({ dataset }) => dataset).sort()).toEqual([...contracts.keys()].sort())
    for (const { mapping, name } of files)
      expect(parseMapping(mapping, name)).toMatchObject({ ok: true, value: { tenantId: 'smoke' } })
  })

  test('a file that no mapping reads, and a second one of a dataset, are refused by name', () => {
    expect(() => readSmokeFiles(folder, 'contracts')).toThrow('There is no smoke file')
    writeFileSync(join(folder, 'nobody.orders.csv'), 'x')
    expect(() => readSmokeFiles(folder, 'contracts')).toThrow('"nobody.orders.csv" has no mapping to be read by')
    rmSync(join(folder, 'nobody.orders.csv'))
    for (const name of ['acme.orders.csv', 'globex.orders.csv']) writeFileSync(join(folder, name), 'x')
    expect(() => readSmokeFiles(folder, 'contracts')).toThrow('Dataset "orders" has two smoke files')
  })

  test('a mapping keeps everything but its tenant', () =>
    expect(mappingForSmoke('mapping: 1\ntenant: acme # whose\ndataset: orders\n')).toBe(
      'mapping: 1\ntenant: smoke # whose\ndataset: orders\n',
    ))
})

describe('a smoke job', () => {
  const job = (more: Partial<JobDocument>): JobDocument => ({
    jobId: 'j',
    tenantId: 'smoke',
    dataset: 'orders',
    status: 'COMPLETED',
    reasonCode: null,
    executionArn: null,
    source: { bucket: 'b', key: 'k', versionId: 'v', sizeBytes: 1 },
    counts: { input: 2, curated: 2, rejected: 0, duplicates: 0, inserted: 1, updated: 0, unchanged: 1, stale: 0 },
    quality: null,
    objects: {},
    ...more,
  })

  test.each([
    [null, {}],
    ['expected COMPLETED, found QUARANTINED gate_failed', { status: 'QUARANTINED', reasonCode: 'gate_failed' }],
    ['expected rows, found none', { counts: { input: 0 } }],
    ['expected no rejects, found 1 of 2 rows', { counts: { input: 2, curated: 1, rejected: 1, inserted: 1 } }],
    ['counts do not reconcile: {"input":2,"curated":2}', { counts: { input: 2, curated: 2 } }],
  ])('DEP-11: says %j', (why, more) => expect(complaintAbout(job(more))).toBe(why))
})
