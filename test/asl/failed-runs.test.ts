import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { createIngest, type IngestMachine, type Outcome, sentTo } from './ingest-scenario.ts'

let machine: IngestMachine
beforeAll(async () => {
  machine = await createIngest()
})
afterAll(() => machine.close())

const operation = ({ calls }: Outcome, wanted: string) =>
  calls
    .filter(({ service }) => service === 'lambda')
    .map(sentTo)
    .filter((sent) => sent.operation === wanted)

describe('a run that cannot be believed', () => {
  test.each([
    ['what went wrong', { JobRunState: 'FAILED', ErrorMessage: 'No space left' }, 'No space left (job run jr)'],
    ['its state, where it says no more', { JobRunState: 'TIMEOUT' }, 'TIMEOUT (job run jr)'],
  ])('QUA-19: leaves a record with the error of Glue, %s, and the id of the job run', async (_, glueRun, message) => {
    const outcome = await machine.run({ glueRun })
    expect(outcome.status).toBe('FAILED')
    expect(operation(outcome, 'closeJob')).toEqual([
      expect.objectContaining({
        status: 'FAILED',
        reasonCode: 'transform_failed',
        message: `States.TaskFailed: ${message}`,
      }),
    ])
  })

  test('DQ-16: whose promised manifest is not there is quarantined as no_output before anything is published', async () => {
    const { calls } = await machine.run({})
    const started = calls.filter((call) => call.operation !== 'GetJobRun')
    const readManifest = started.findIndex(({ input }) => String(input.Key).endsWith('manifest.json'))
    expect(readManifest).toBeGreaterThan(0)
    const outcome = await machine.run({ failing: [readManifest], failWith: 'NoSuchKey' })
    expect(operation(outcome, 'closeJob')).toEqual([
      expect.objectContaining({ status: 'QUARANTINED', reasonCode: 'no_output' }),
    ])
    expect(outcome.calls.map((call) => call.operation)).not.toContain('CreatePartition')
    expect(outcome.calls.map((call) => call.operation)).not.toContain('BatchExecuteStatement')
  })
})
