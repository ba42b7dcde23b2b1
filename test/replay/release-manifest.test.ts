import { describe, expect, test } from '@jest/globals'
import { parseManifest } from '../../replay/parse-manifest.ts'
import { mustConfirm, type Release, releaseManifest } from '../../replay/release-manifest.ts'

const jobId = (number: number): string => `j${String(number).padStart(24, '0')}`
const RELEASE: Release = {
  jobs: [
    { jobId: jobId(2), attempt: 1, tenantId: 'acme' },
    { jobId: jobId(1), attempt: 1, tenantId: 'acme' },
  ],
  reason: 'the mapping is mended',
  requestedBy: 'olga',
  configuration: 'current',
  dryRun: false,
  acceptRejects: false,
  overrideGate: [],
  confirm: null,
}

const parsed = (release: Release) => {
  const result = parseManifest(Buffer.from(releaseManifest(release).text))
  if (!result.ok) throw new Error(JSON.stringify(result.problems))
  return result.manifest
}

describe('the manifest of a release', () => {
  test('QUA-24: names the jobs in a fixed order, who and why, and is one that the workflow accepts', () => {
    expect(parsed(RELEASE)).toMatchObject({
      replayId: releaseManifest(RELEASE).replayId,
      reason: 'the mapping is mended',
      requestedBy: 'olga',
      target: { kind: 'jobs', jobs: [jobId(1), jobId(2)] },
      configuration: 'current',
    })
  })

  test('REP-20 IDEM-12: the same release has the same id and bytes; another one, or one after another quarantine, has another id', () => {
    const { replayId, text } = releaseManifest(RELEASE)
    expect(releaseManifest({ ...RELEASE, jobs: RELEASE.jobs.toReversed() })).toEqual({ replayId, text })
    const again = RELEASE.jobs.map((job) => ({ ...job, attempt: 2 }))
    const others = [{ dryRun: true }, { acceptRejects: true }, { reason: 'x' }, { requestedBy: 'x' }, { jobs: again }]
    const ids = others.map((other) => releaseManifest({ ...RELEASE, ...other }).replayId)
    expect(new Set([replayId, ...ids]).size).toBe(6)
    expect(releaseManifest(RELEASE, 1, 'again').replayId).toBe(replayId.replace('release', 'again'))
    const second = releaseManifest(RELEASE, 2)
    expect(second.replayId).toBe(`${replayId}-2`)
    expect(parseManifest(Buffer.from(second.text))).toMatchObject({ ok: true })
  })

  test('carries what is waived, and nothing that is not', () => {
    const waived = parsed({ ...RELEASE, acceptRejects: true, overrideGate: ['RowCount > 0'], confirm: 2 })
    expect(waived.options).toMatchObject({ acceptRejects: true, overrideGate: ['RowCount > 0'], confirm: 2 })
    expect(JSON.parse(releaseManifest(RELEASE).text).options).toEqual({})
  })

  test('REP-07: rules that are too long to travel with a job are refused', () => {
    const overrideGate = ['a', 'b'].map((name) => name.repeat(1600))
    expect(parseManifest(Buffer.from(releaseManifest({ ...RELEASE, overrideGate }).text))).toMatchObject({
      ok: false,
      problems: [{ field: '$.options.overrideGate', found: '3200 bytes' }],
    })
  })

  test('REP-03: more than 100 files, or more than 10 tenants, must be confirmed', () => {
    const jobs = (count: number, tenants: number) =>
      Array.from({ length: count }, (_, index) => ({
        jobId: jobId(index),
        attempt: 1,
        tenantId: `t${index % tenants}`,
      }))
    expect([100, 101].map((count) => mustConfirm({ jobs: jobs(count, 1) }))).toEqual([false, true])
    expect([10, 11].map((tenants) => mustConfirm({ jobs: jobs(20, tenants) }))).toEqual([false, true])
  })
})
