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

  test('QUA-01: after its retries, leaves source, run and error in the tenant’s quarantine as FAILED, and the job says where', async () => {
    const tries = [1, 2, 3, 4, 5, 6, 7]
    const outcome = await machine.run({ failing: tries, failWith: 'ServiceException' })
    expect(outcome.calls.slice(1, 8).map(({ input }) => input.FunctionName)).toEqual(
      tries.map(() => expect.stringContaining(':validate:')),
    )
    const [kept] = outcome.calls.filter(({ input }) => String(input.FunctionName).includes(':quarantine:')).map(sentTo)
    expect(kept).toMatchObject({
      status: 'FAILED',
      job: { tenantId: 'acme' },
      source: { bucket: 'raw', versionId: 'v1' },
      reasonCode: 'infrastructure_failed',
      message: expect.stringMatching(/^Lambda\.ServiceException: It does not work/),
    })
    expect(operation(outcome, 'closeJob')).toMatchObject([
      { status: 'FAILED', objects: { quarantine: 's3://quarantine/acme/orders/job=j/manifest.json' } },
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
