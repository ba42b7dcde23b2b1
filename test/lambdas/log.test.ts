import { describe, expect, test } from '@jest/globals'
import { scopeOf, startLog } from '../../lambdas/log.ts'

describe('a log line', () => {
  const lines: string[] = []
  let nowMs = 1000
  const log = startLog(
    'validate',
    (line) => lines.push(line),
    () => nowMs,
  )

  test('OBS-01 TEN-05: is one JSON object with tenant, job, execution, level, message and the time since the invocation began', () => {
    nowMs = 1041.6
    log('INFO', 'two\nlines', { tenantId: 'acme', jobId: 'j1', executionArn: 'arn' }, { reasonCode: null })
    expect(lines).toHaveLength(1)
    expect(lines[0]).not.toContain('\n')
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'INFO',
      message: 'two\nlines',
      function: 'validate',
      tenantId: 'acme',
      jobId: 'j1',
      executionArn: 'arn',
      timingMs: 42,
      reasonCode: null,
    })
  })

  test('OBS-01: of an event that failed says what the event is about, as far as it says so', () => {
    expect(scopeOf({ job: { tenantId: 'acme', jobId: 'j1' }, executionArn: 'arn' })).toEqual({
      tenantId: 'acme',
      jobId: 'j1',
      executionArn: 'arn',
    })
    expect(scopeOf({ detail: { executionArn: 'arn' } })).toEqual({ tenantId: null, jobId: null, executionArn: 'arn' })
    expect(scopeOf('no object')).toEqual({ tenantId: null, jobId: null, executionArn: null })
  })
})
