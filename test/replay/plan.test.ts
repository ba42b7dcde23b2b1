import { expect, test } from '@jest/globals'
import { parseJobId } from '../../core/identifiers.ts'
import { CONFIRM_ABOVE } from '../../replay/manifest.ts'
import { parseManifest } from '../../replay/parse-manifest.ts'
import { confirmationProblems } from '../../replay/plan.ts'
import { unknownJobLine } from '../../replay/plan-source.ts'

const manifestWith = (options: Record<string, unknown>) => {
  const parsed = parseManifest(
    Buffer.from(
      JSON.stringify({
        replayId: 'many',
        reason: 'a test',
        requestedBy: 'ops',
        configuration: 'original',
        select: { keyPrefix: 'landing/' },
        options,
      }),
    ),
  )
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.manifest
}
const lines = (sources: number, tenants: number) =>
  Array.from({ length: sources }, (_, index) => ({
    ...unknownJobLine(parseJobId(`j${'0'.repeat(24)}`)),
    tenantId: `tenant-${index % tenants}`,
  }))
const told = (sources: number, tenants: number, options: Record<string, unknown> = {}) =>
  confirmationProblems(manifestWith(options), lines(sources, tenants)).map(({ found }) => found)

test('REP-03: a replay of more sources, or of more tenants, than the limit must say how many sources it means; a dry run tells', () => {
  const { sources, tenants } = CONFIRM_ABOVE
  expect(told(sources, 1)).toEqual([])
  expect(told(sources + 1, 1)).toEqual(['nothing'])
  expect(told(tenants, tenants)).toEqual([])
  expect(told(tenants + 1, tenants + 1)).toEqual(['nothing'])
  expect(told(tenants + 1, tenants + 1, { confirm: tenants })).toEqual([`${tenants}`])
  expect(told(tenants + 1, tenants + 1, { confirm: tenants + 1 })).toEqual([])
  expect(told(sources + 1, 1, { dryRun: true })).toEqual([])
})
