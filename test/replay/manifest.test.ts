import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { MAX_MANIFEST_BYTES, resultKeyOf } from '../../replay/manifest.ts'
import { PROBLEMS_TOLD, parseManifest } from '../../replay/parse-manifest.ts'
import { fuzzedManifests } from './manifests.ts'

const parse = (value: unknown) => parseManifest(Buffer.from(JSON.stringify(value)))
const GOOD = {
  replayId: 'mend-orders',
  reason: 'late fix',
  requestedBy: 'ops@example.com',
  configuration: 'current',
  jobs: [`j${'0'.repeat(24)}`],
}

describe('a replay manifest', () => {
  const examples = new URL('../../replay/examples/', import.meta.url)
  test.each(readdirSync(examples))('REP-07: example %s is accepted', (name) => {
    expect(parseManifest(readFileSync(new URL(name, examples)))).toMatchObject({ ok: true })
  })

  test('has its defaults filled in', () => {
    expect(parse(GOOD)).toEqual({
      ok: true,
      manifest: {
        replayId: 'mend-orders',
        reason: 'late fix',
        requestedBy: 'ops@example.com',
        target: { kind: 'jobs', jobs: GOOD.jobs },
        configuration: 'current',
        options: {
          dryRun: false,
          force: false,
          skipIfPublished: true,
          maxConcurrency: 10,
          maxSources: 20_000,
          confirm: null,
          acceptRejects: false,
          overrideGate: [],
        },
      },
    })
    expect(parse({ ...GOOD, options: { force: true } })).toMatchObject({
      manifest: { options: { force: true, skipIfPublished: false } },
    })
  })

  test('REP-07: is refused with field, expected and found for everything that is wrong with it', () => {
    const { replayId, problems } = parse({ ...GOOD, configuration: 'orginal', options: { dryrun: true } }) as {
      replayId: string
      problems: unknown
    }
    expect(replayId).toBe('mend-orders')
    expect(problems).toEqual([
      {
        field: '$.configuration',
        message: '"orginal" is not known here; did you mean "original"?',
        expected: 'one of original, current',
        found: '"orginal"',
      },
      {
        field: '$.options.dryrun',
        message: 'Unknown key "dryrun"; did you mean "dryRun"?',
        expected:
          'one of dryRun, force, skipIfPublished, maxConcurrency, maxSources, confirm, acceptRejects, overrideGate',
        found: '"dryrun"',
      },
    ])
  })

  test('with thousands of faults tells the first ones', () => {
    const parsed = parse({ ...GOOD, jobs: Array.from({ length: 5000 }, (_, index) => `job ${index}`) })
    expect(parsed.ok ? [] : parsed.problems).toHaveLength(PROBLEMS_TOLD)
  })

  test('of a size that no manifest has is refused before anybody looks closer', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => index)
    const refusals = [
      { ...GOOD, jobs: many(1_000_000) },
      { ...GOOD, options: { overrideGate: many(1_000_000) } },
      Object.fromEntries(many(200_000).map((index) => [`member ${index}`, index])),
      { ...GOOD, options: Object.fromEntries(many(200_000).map((index) => [`option ${index}`, index])) },
      { ...GOOD, reason: [[[[['deep']]]]] },
    ].map((manifest) => parse(manifest))
    expect(refusals.map((parsed) => (parsed.ok ? [] : parsed.problems.map(({ field }) => field)))).toEqual([
      ['$.jobs'],
      ['$.options.overrideGate'],
      ['$'],
      ['$.options'],
      ['$.reason[0][0][0][0]'],
    ])
    const nested = Buffer.from('['.repeat(1_000_000))
    expect(parseManifest(nested)).toMatchObject({ ok: false, problems: [{ field: '$' }] })
  })

  test('is read to its last item, whose fault is told by its own number', () => {
    const jobs = Array.from({ length: 20_000 }, (_, index) => `j${index.toString(16).padStart(24, '0')}`)
    expect(parse({ ...GOOD, jobs })).toMatchObject({ ok: true })
    expect(parse({ ...GOOD, jobs: [...jobs.slice(1), 'j'] })).toMatchObject({
      ok: false,
      problems: [{ field: '$.jobs[19999]' }],
    })
  })

  test('of other bytes than UTF-8, or of too many, is refused', () => {
    expect(parseManifest(Uint8Array.of(0x7b, 0xff, 0x7d))).toMatchObject({ ok: false, problems: [{ field: '$' }] })
    expect(parseManifest(new Uint8Array(MAX_MANIFEST_BYTES + 1))).toMatchObject({
      ok: false,
      problems: [{ found: `${MAX_MANIFEST_BYTES + 1} bytes` }],
    })
  })

  test('has its result beside it under a name that starts no replay', () => {
    expect(resultKeyOf('manifests/a/b.json')).toBe('manifests/a/b.result')
  })

  test('REP-07: each of 10,000 fuzzed ones is accepted whole or refused whole, by the field that was spoiled', () => {
    const wrong: unknown[] = []
    for (const { text, field } of fuzzedManifests(10_000, 20_261_121)) {
      const parsed = parseManifest(Buffer.from(text))
      const told = parsed.ok ? [] : parsed.problems
      const precise = told.every(({ message, expected, found }) => message !== '' && expected !== '' && found !== '')
      const named = field === null ? parsed.ok : told.some((problem) => problem.field === field)
      if (!precise || !named) wrong.push({ text, field, told })
    }
    expect(wrong).toEqual([])
  })
})
