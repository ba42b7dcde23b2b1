import { describe, expect, test } from '@jest/globals'
import type { Json } from '../../../core/json.ts'
import { harness } from './harness.ts'

describe('an execution is bounded', () => {
  test('all variables of an execution hold 10 MiB, those of ended scopes not counted', async () => {
    const { create, run } = harness()
    const fill = (names: readonly string[]): Json =>
      Object.fromEntries(names.map((name) => [name, "{% $pad('', 100000, 'x') %}"]))
    const names = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
    const filled = (count: number): Json => {
      const passes = Array.from({ length: count }, (_, index) => [
        `P${index}`,
        { Type: 'Pass', Assign: fill(names(2, `v${index}_`)), Next: index === count - 1 ? 'Z' : `P${index + 1}` },
      ])
      return { ...Object.fromEntries(passes), Z: { Type: 'Pass', End: true } }
    }
    const within = await create('within', filled(52), { StartAt: 'P0' })
    expect(await run(within)).toMatchObject({ status: 'SUCCEEDED' })
    const beyond = await create('beyond', filled(53), { StartAt: 'P0' })
    expect(await run(beyond)).toMatchObject({
      error: 'States.QueryEvaluationError',
      cause: expect.stringMatching(/The variables of the execution exceed their maximum size by \d+ bytes/),
    })
    const one = { StartAt: 'I', States: { I: { Type: 'Pass', Assign: fill(['a', 'b']), Output: 1, End: true } } }
    const items = names(60, 'i')
    const scopes = await create('scopes', {
      A: { Type: 'Map', Items: items, MaxConcurrency: 1, ItemProcessor: one as Json, End: true },
    })
    expect(await run(scopes)).toMatchObject({ status: 'SUCCEEDED' })
  })

  test('a machine that runs longer than its TimeoutSeconds is TIMED_OUT, without error and cause', async () => {
    const { create, run } = harness()
    const machine = await create('m', { W: { Type: 'Wait', Seconds: 60, End: true } }, { TimeoutSeconds: 10 })
    const description = await run(machine)
    expect(description).toMatchObject({ status: 'TIMED_OUT' })
    expect(description).not.toHaveProperty('error')
  })

  test('an Express execution answers its caller and is cut off after five minutes', async () => {
    const { create, call } = harness()
    const quick = await create('quick', { P: { Type: 'Pass', Output: 7, End: true } }, {}, 'EXPRESS')
    expect(await call('StartSyncExecution', { stateMachineArn: quick })).toMatchObject({
      status: 'SUCCEEDED',
      output: '7',
    })
    const slow = await create('slow', { W: { Type: 'Wait', Seconds: 400, End: true } }, {}, 'EXPRESS')
    expect(await call('StartSyncExecution', { stateMachineArn: slow })).toMatchObject({ status: 'TIMED_OUT' })
  })

  test('a chain without end stops at event 25,000', async () => {
    const { create, run, call } = harness()
    const machine = await create('m', {
      A: { Type: 'Pass', Next: 'C' },
      C: { Type: 'Choice', Choices: [{ Condition: true, Next: 'A' }], Default: 'D' },
      D: { Type: 'Succeed' },
    })
    const description = await run(machine)
    expect(description).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: 'The execution reached the maximum number of history events (25000).',
    })
    const last = await call('GetExecutionHistory', {
      executionArn: description.executionArn,
      reverseOrder: true,
      maxResults: 1,
    })
    expect(last.events).toMatchObject([{ id: 25_000, type: 'ExecutionFailed' }])
  })
})
