import { expect, test } from '@jest/globals'
import { setTenantStatus } from '../../../lambdas/metadata/tenants.ts'
import { AT } from './fixtures.ts'

import type { ReplayHarness } from './replay-harness.ts'

/** What a replay does with each source of a manifest, and why. */
export function decisionTests({
  ended,
  source,
  editMapping,
  drop,
  resultOf,
  preview,
  carryOut,
  opened,
  inspector,
}: ReplayHarness): void {
  test('REP-10 IDEM-04: sources that failed or were quarantined run again under what they had pinned', async () => {
    const failed = await ended(source('a'), 'FAILED')
    await ended(source('b'), 'QUARANTINED')
    const dropped = await drop({ replayId: 'again', select: { tenant: 'acme' } })
    expect(dropped.answer).toMatchObject({ decision: 'run', runs: 2, maxConcurrency: 10 })
    const { lines, totals } = await carryOut(dropped, 'again')
    expect(totals).toEqual({ COMPLETED: 2 })
    expect(lines[0]).toMatchObject({
      code: 'again',
      jobId: failed.job.jobId,
      attempt: 2,
      outcome: 'COMPLETED',
      changed: null,
    })
  })

  test('REP-12 REP-14 IDEM-10: what is published is skipped unless it is forced, also under another configuration', async () => {
    const { job } = await ended(source('a'), 'COMPLETED')
    const skipped = await drop({ replayId: 'plain', jobs: [job.jobId] })
    expect(skipped.answer.decision).toBe('reported')
    expect(resultOf(skipped).lines).toMatchObject([{ outcome: 'SKIPPED_PUBLISHED', jobId: job.jobId }])
    await editMapping('a newer mapping')
    const current = { jobs: [job.jobId], configuration: 'current' }
    const newer = await preview({ replayId: 'newer', ...current })
    expect(newer.totals).toEqual({ SKIPPED_PUBLISHED: 1 })
    const again = await preview({ replayId: 'newer', ...current, options: { skipIfPublished: false } })
    expect(again.lines).toMatchObject([{ decision: 'RUN', code: null, attempt: 1, publication: 1 }])
    expect(again.lines[0]?.jobId).not.toBe(job.jobId)
    const forced = await preview({ replayId: 'forced', jobs: [job.jobId], options: { force: true } })
    expect(forced.lines).toMatchObject([
      { decision: 'RUN', code: 'forced', jobId: job.jobId, attempt: 2, publication: 2 },
    ])
  })

  test('REP-05: current means what is in force when it is planned, original what the last job pinned', async () => {
    const { job } = await ended(source('a'), 'QUARANTINED')
    await editMapping('in force at planning')
    const current = await drop({ replayId: 'current', configuration: 'current', jobs: [job.jobId] })
    await editMapping('too late')
    const [line] = (await carryOut(current, 'current')).lines
    expect(line).toMatchObject({ decision: 'RUN', outcome: 'COMPLETED', changed: null })
    const original = await preview({ replayId: 'original', jobs: [job.jobId] })
    expect(original.lines).toMatchObject([{ decision: 'SKIPPED_PUBLISHED', jobId: line?.jobId }])
  })

  test.each([
    ['compiler_version', `compiler version 0.0.1`],
    ['mapping_hash', 'mapping version 1 (000000000000)'],
    ['contract_hash', 'contract version 1 (000000000000)'],
    ['ruleset_hash', 'ruleset version 1 (000000000000)'],
  ])(
    'REP-02: an original configuration of which %s is gone is refused with exactly that part',
    async (column, part) => {
      const { job } = await ended(source('a'), 'QUARANTINED')
      const gone = column === 'compiler_version' ? '0.0.1' : '0'.repeat(64)
      // What no deployment does: the documents that jobs pinned cannot be deleted while the jobs are there.
      await opened().admin.query(`SET session_replication_role = replica;
      UPDATE sluice.ingestion_jobs SET ${column} = '${gone}' WHERE job_id = '${job.jobId}';
      SET session_replication_role = DEFAULT`)
      const { lines } = await preview({ replayId: 'gone', jobs: [job.jobId] })
      expect(lines).toMatchObject([{ decision: 'REFUSED', code: 'original_configuration_gone' }])
      const why = lines[0]?.why ?? ''
      expect(why).toContain(part)
      expect(why.split(';')).toHaveLength(1)
    },
  )

  test('REP-11: a source that cannot be read is refused with the reason, and is not registered', async () => {
    for (const name of ['marker', 'archived', 'restoring', 'gone', 'denied', 'there'])
      await ended(source(name), 'FAILED')
    const kinds = {
      marker: { kind: 'delete_marker' },
      archived: { kind: 'archived', storageClass: 'DEEP_ARCHIVE', restoring: false },
      restoring: { kind: 'archived', storageClass: 'GLACIER', restoring: true },
      gone: { kind: 'missing' },
      denied: { kind: 'denied', message: 'S3 denies it (403)' },
    } as const
    for (const [name, facts] of Object.entries(kinds))
      inspector().facts.set(`landing/acme/orders/${name}.csv?v1`, facts)
    const { lines } = await preview({ replayId: 'unread', select: { keyPrefix: 'landing/acme/orders/' } })
    const codes = Object.fromEntries(lines.map((line) => [line.source?.key.slice(20, -4), line.code]))
    expect(codes).toEqual({
      marker: 'delete_marker',
      archived: 'needs_restore',
      restoring: 'needs_restore',
      gone: 'source_missing',
      denied: 'source_unreadable',
      there: 'again',
    })
    expect(lines.find(({ code }) => code === 'needs_restore')?.why).toContain('must be restored first')
  })

  test('a source that nobody registered runs under the current configuration, and has no original one', async () => {
    const sources = [{ bucket: 'sluice-raw', key: 'landing/acme/orders/new.csv', versionId: 'v9' }]
    expect((await preview({ replayId: 'new', sources })).lines).toMatchObject([{ code: 'no_original_configuration' }])
    const dropped = await drop({ replayId: 'new', sources, configuration: 'current' })
    expect((await carryOut(dropped, 'new')).totals).toEqual({ COMPLETED: 1 })
  })

  test('what lies elsewhere, belongs to nobody or has no mapping is refused by its own reason', async () => {
    await setTenantStatus(opened().database, 'globex', 'suspended', AT)
    const key = (rest: string) => ({ bucket: 'sluice-raw', key: `landing/${rest}`, versionId: 'v1' })
    const sources = [
      { bucket: 'another', key: 'landing/acme/orders/a.csv', versionId: 'v1' },
      key('No Tenant/a.csv'),
      key('nobody/orders/a.csv'),
      key('globex/orders/a.csv'),
      key('acme/lines/a.csv'),
    ]
    const { lines } = await preview({ replayId: 'refused', sources, configuration: 'current' })
    expect(lines.map(({ code }) => code)).toEqual([
      'not_a_landing_source',
      'invalid_key_prefix',
      'unknown_tenant',
      'tenant_suspended',
      'unknown_dataset',
    ])
    const unknown = await preview({ replayId: 'refused', jobs: [`j${'0'.repeat(24)}`] })
    expect(unknown.lines).toMatchObject([{ decision: 'REFUSED', code: 'unknown_job' }])
  })
}
