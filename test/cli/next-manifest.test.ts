import { expect, test } from '@jest/globals'
import { confirmed } from '../../cli/next-manifest.ts'
import { EXIT } from '../../cli/output.ts'
import { CONFIRM_ABOVE } from '../../replay/manifest.ts'

const release = (count: number) => ({
  jobs: Array.from({ length: count }, (_, index) => ({ jobId: `j${index}`, attempt: 1, tenantId: 'acme' })),
  reason: 'a test',
  requestedBy: 'olga',
  configuration: 'original' as const,
  dryRun: false,
  acceptRejects: false,
  overrideGate: [],
})

test('REP-03: jobs that run again are confirmed by their number where they are many, and by no other', () => {
  const few = release(CONFIRM_ABOVE.sources)
  const many = release(CONFIRM_ABOVE.sources + 1)
  expect(confirmed(few, undefined).confirm).toBeNull()
  expect(confirmed(many, '101')).toEqual({ ...many, confirm: 101 })
  const refused = { exitCode: EXIT.wrongUse, hint: 'Say so with --confirm 101' }
  expect(() => confirmed(many, undefined)).toThrow(expect.objectContaining({ code: 'confirmation_needed', ...refused }))
  expect(() => confirmed(many, '100')).toThrow(expect.objectContaining({ code: 'confirmation_differs', ...refused }))
  expect(() => confirmed(few, 'all')).toThrow(expect.objectContaining({ code: 'confirmation_differs' }))
})
