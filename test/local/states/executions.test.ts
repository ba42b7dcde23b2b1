import { describe, expect, test } from '@jest/globals'
import { memoryStore } from '../../../local/memory-store.ts'
import { AwsError } from '../../../local/service.ts'
import { manualClock } from '../manual-clock.ts'
import { type Answer, harness } from './harness.ts'

const FUNCTION = 'arn:aws:lambda:us-east-2:000000000000:function:work'
const PASS = { Type: 'Pass', End: true }
const TASK = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: FUNCTION },
  End: true,
}
const payload = (value: unknown) => ({ StatusCode: 200, Payload: Buffer.from(JSON.stringify(value)) })

describe('starting', () => {
  test('the same name with the same input is the same execution while it runs, and taken for good afterwards', async () => {
    const { create, start, states, call } = harness()
    const machine = await create('m', { W: { Type: 'Wait', Seconds: 60, End: true } })
    const first = await start(machine, { a: 1 }, 'one')
    expect(await start(machine, { a: 1 }, 'one')).toBe(first)
    await expect(start(machine, { a: 2 }, 'one')).rejects.toMatchObject({ code: 'ExecutionAlreadyExists' })
    await states.whenClosed(first)
    await expect(start(machine, { a: 1 }, 'one')).rejects.toMatchObject({
      code: 'ExecutionAlreadyExists',
      message: `Execution Already Exists: '${first}'`,
    })
    await expect(call('StartExecution', { stateMachineArn: `${machine}x` })).rejects.toMatchObject({
      code: 'StateMachineDoesNotExist',
    })
  })

  test('an input that is no JSON, too large or empty is refused', async () => {
    const { create, call } = harness()
    const stateMachineArn = await create('m', { P: PASS })
    await expect(call('StartExecution', { stateMachineArn, input: '' })).rejects.toMatchObject({
      code: 'InvalidExecutionInput',
    })
    await expect(call('StartExecution', { stateMachineArn, input: '{' })).rejects.toMatchObject({
      code: 'InvalidExecutionInput',
    })
    await expect(
      call('StartExecution', { stateMachineArn, input: JSON.stringify('a'.repeat(262_144)) }),
    ).rejects.toMatchObject({ code: 'ValidationException' })
    await expect(call('StartExecution', { stateMachineArn, name: 'a b' })).rejects.toMatchObject({
      code: 'InvalidName',
    })
  })

  test('DEP-02: an execution ends on the definition it started with, and the alias moves new ones to the next version', async () => {
    const { create, call, start, states, describe: show } = harness()
    const first = {
      QueryLanguage: 'JSONata',
      StartAt: 'W',
      States: { W: { Type: 'Wait', Seconds: 9, Output: 1, End: true } },
    }
    const machine = await create('m', first.States)
    const v1 = (await call('PublishStateMachineVersion', { stateMachineArn: machine })).stateMachineVersionArn
    const alias = await call('CreateStateMachineAlias', {
      name: 'live',
      routingConfiguration: [{ stateMachineVersionArn: v1, weight: 100 }],
    })
    const old = await start(String(alias.stateMachineAliasArn))
    const second = { ...first, States: { W: { Type: 'Pass', Output: 2, End: true } } }
    const updated = await call('UpdateStateMachine', {
      stateMachineArn: machine,
      definition: JSON.stringify(second),
      publish: true,
    })
    await call('UpdateStateMachineAlias', {
      stateMachineAliasArn: alias.stateMachineAliasArn,
      routingConfiguration: [{ stateMachineVersionArn: updated.stateMachineVersionArn, weight: 100 }],
    })
    const next = await start(String(alias.stateMachineAliasArn))
    await Promise.all([states.whenClosed(old), states.whenClosed(next)])
    expect(await show(old)).toMatchObject({ output: '1', stateMachineVersionArn: v1 })
    expect(await show(next)).toMatchObject({ output: '2', stateMachineAliasArn: `${machine}:live` })
    const listed = await call('ListExecutions', { stateMachineArn: v1 })
    expect(listed.executions).toMatchObject([{ executionArn: old }])
  })
})

describe('retry and catch', () => {
  test('retries wait with backoff, stop at the bound and end in the catcher', async () => {
    let tries = 0
    const { create, run, history, start } = harness(() => {
      tries += 1
      throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429)
    })
    const machine = await create('m', {
      T: {
        ...TASK,
        Retry: [
          { ErrorEquals: ['Lambda.TooManyRequestsException'], IntervalSeconds: 2, MaxAttempts: 2, BackoffRate: 3 },
        ],
        Catch: [{ ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput.Error %}', Next: 'C' }],
      },
      C: { Type: 'Pass', End: true },
    })
    const description = await run(machine)
    expect(tries).toBe(3)
    expect(description.output).toBe('"Lambda.TooManyRequestsException"')
    expect(Number(description.stopDate) - Number(description.startDate)).toBe((2 + 6) * 1_000)
    expect(
      (await history(String(description.executionArn))).filter((event) => event.endsWith('TaskFailed')),
    ).toHaveLength(3)
    expect(await start(machine)).toContain(':execution:m:')
  })

  test('States.TaskFailed does not match a timeout, States.Timeout does', async () => {
    const { create, run } = harness(
      (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    const machine = await create('m', {
      T: {
        ...TASK,
        TimeoutSeconds: 5,
        Retry: [{ ErrorEquals: ['States.TaskFailed'] }],
        Catch: [{ ErrorEquals: ['States.Timeout'], Output: '{% $states.errorOutput %}', Next: 'C' }],
      },
      C: { Type: 'Pass', End: true },
    })
    expect((await run(machine)).output).toBe('{"Error":"States.Timeout","Cause":""}')
  })

  test('a call that the role may not make fails with the words of the service', async () => {
    const message =
      'User: arn:aws:sts::000000000000:assumed-role/machine/x is not authorized to perform: lambda:InvokeFunction'
    const { create, run, calls } = harness(() => {
      throw new AwsError('AccessDeniedException', message, 403)
    })
    const description = await run(await create('m', { T: TASK }))
    expect(description).toMatchObject({ status: 'FAILED', error: 'Lambda.AWSLambdaException' })
    expect(String(description.cause)).toContain(
      `${message} (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException;`,
    )
    expect(calls[0]?.caller.roleArn).toBe('arn:aws:iam::000000000000:role/machine')
  })
})

describe('stopping and going on', () => {
  test('a stopped execution is ABORTED, and its running child with it', async () => {
    const { create, start, states, call, describe: show, history } = harness(undefined, { clock: manualClock() })
    const child = await create('child', { W: { Type: 'Wait', Seconds: 3_600, End: true } })
    const machine = await create('m', {
      T: {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution.sync:2',
        Arguments: { StateMachineArn: child, Name: 'c' },
        End: true,
      },
    })
    const executionArn = await start(machine)
    const childArn = 'arn:aws:states:us-east-2:000000000000:execution:child:c'
    await new Promise(setImmediate)
    await call('StopExecution', { executionArn, error: 'Op', cause: 'enough' })
    await states.whenClosed(childArn)
    expect(await show(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Op', cause: 'enough' })
    expect(await show(childArn)).toMatchObject({ status: 'ABORTED' })
    expect((await history(executionArn)).at(-1)).toMatch(/^\d+<0 ExecutionAborted$/)
  })

  test('a redrive goes on at the failed state and keeps the branches that had succeeded', async () => {
    let broken = true
    const {
      create,
      run,
      call,
      states,
      describe: show,
      calls,
      history,
    } = harness(({ input }) => {
      if (input.FunctionName === 'weak' && broken) throw new AwsError('ServiceException', 'down', 500)
      return payload(input.FunctionName)
    })
    const branch = (name: string) => ({
      StartAt: name,
      States: { [name]: { ...TASK, Arguments: { FunctionName: name }, Output: '{% $states.result.Payload %}' } },
    })
    const machine = await create('m', {
      B: { Type: 'Parallel', Branches: [branch('strong'), branch('weak')], End: true },
    })
    const failed = await run(machine)
    expect(failed).toMatchObject({ status: 'FAILED', error: 'Lambda.ServiceException', redriveStatus: 'REDRIVABLE' })
    broken = false
    const { executionArn } = failed
    const { redriveDate } = await call('RedriveExecution', { executionArn, clientToken: 'once' })
    await states.whenClosed(String(executionArn))
    expect(await call('RedriveExecution', { executionArn, clientToken: 'once' })).toEqual({ redriveDate })
    expect(await show(String(executionArn))).toMatchObject({
      status: 'SUCCEEDED',
      output: '["strong","weak"]',
      redriveCount: 1,
    })
    expect(calls.map(({ input }) => input.FunctionName)).toEqual(['strong', 'weak', 'weak'])
    expect((await history(String(executionArn))).some((event) => event.endsWith('ExecutionRedriven'))).toBe(true)
    await expect(call('RedriveExecution', { executionArn })).rejects.toMatchObject({ code: 'ExecutionNotRedrivable' })
  })

  test('a change of status that no rule takes is neither kept nor told', async () => {
    const { create, run, events } = harness(undefined, {
      wants: ({ detail }) => JSON.stringify(detail).includes('FAILED'),
    })
    await run(await create('m', { F: { Type: 'Fail', Error: 'E' } }))
    await run(await create('n', { P: { Type: 'Pass', End: true } }))
    expect(events.map(({ detail }) => detail)).toMatchObject([{ status: 'FAILED', error: 'E' }])
  })

  test('each change of status is told to EventBridge once, in its shape', async () => {
    const { create, run, events } = harness()
    const description = await run(await create('m', { F: { Type: 'Fail', Error: 'E', Cause: 'c' } }))
    expect(events.map(({ detail }) => detail)).toMatchObject([
      { status: 'RUNNING', stopDate: null, error: null },
      { status: 'FAILED', error: 'E', cause: 'c', executionArn: description.executionArn, input: '{}' },
    ])
    expect(events[0]).toMatchObject({ source: 'aws.states', 'detail-type': 'Step Functions Execution Status Change' })
  })
})

describe('after a restart', () => {
  test('an Express execution that was accepted runs again, one whose caller is gone does not', async () => {
    const store = memoryStore()
    const started: unknown[] = []
    const answer: Answer = ({ input }) => {
      started.push(input.FunctionName)
      return payload(null)
    }
    const first = harness(answer, { store, clock: manualClock() })
    const states = (name: string) => ({
      T: { Type: 'Task', Resource: TASK.Resource, Arguments: { FunctionName: name }, Next: 'W' },
      W: { Type: 'Wait', Seconds: 60, End: true },
    })
    await first.start(await first.create('accepted', states('accepted'), {}, 'EXPRESS'))
    const waited = await first.create('waited', states('waited'), {}, 'EXPRESS')
    first.call('StartSyncExecution', { stateMachineArn: waited }).catch(() => undefined)
    await new Promise(setImmediate)
    await first.states.close()
    const second = harness(answer, { store, generation: 'second' })
    await second.states.resume()
    await new Promise(setImmediate)
    await second.states.close()
    expect(started).toEqual(['accepted', 'waited', 'accepted'])
  })

  test('executions are listed newest first, page by page, by status', async () => {
    const { create, run, call } = harness(() => payload(null))
    const stateMachineArn = await create('m', {
      C: { Type: 'Choice', Choices: [{ Condition: '{% $states.input.ok %}', Next: 'S' }], Default: 'F' },
      S: { Type: 'Succeed' },
      F: { Type: 'Fail' },
    })
    for (const name of ['a', 'b', 'c']) await run(stateMachineArn, { ok: name !== 'b' }, name)
    const first = await call('ListExecutions', { stateMachineArn, maxResults: 2 })
    const rest = await call('ListExecutions', { stateMachineArn, maxResults: 2, nextToken: first.nextToken })
    const names = [first, rest].map(({ executions }) => (executions as { name: string }[]).map(({ name }) => name))
    expect(names).toEqual([['c', 'b'], ['a']])
    const { executions } = await call('ListExecutions', { stateMachineArn, statusFilter: 'FAILED' })
    expect(executions).toMatchObject([{ name: 'b', status: 'FAILED' }])
  })
})

describe('callbacks', () => {
  const WAITING = {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { FunctionName: 'f', Payload: { token: '{% $states.context.Task.Token %}' } },
    HeartbeatSeconds: 30,
    End: true,
  }
  const tokenOf = (input: Record<string, unknown> | undefined): string =>
    JSON.parse(Buffer.from(input?.Payload as Uint8Array).toString()).token

  test('the holder of the token completes the task; the token is spent then', async () => {
    const {
      create,
      start,
      states,
      call,
      calls,
      describe: show,
    } = harness(() => payload(null), {
      clock: manualClock(),
    })
    const executionArn = await start(await create('m', { T: WAITING }))
    await new Promise(setImmediate)
    const taskToken = tokenOf(calls[0]?.input)
    await call('SendTaskHeartbeat', { taskToken })
    await call('SendTaskSuccess', { taskToken, output: '{"done":true}' })
    await states.whenClosed(executionArn)
    expect(await show(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: '{"done":true}' })
    await expect(call('SendTaskSuccess', { taskToken, output: '1' })).rejects.toMatchObject({ code: 'TaskTimedOut' })
    await expect(call('SendTaskFailure', { taskToken: 'x' })).rejects.toMatchObject({ code: 'InvalidToken' })
  })

  test('a heartbeat that stays away is a timeout that States.HeartbeatTimeout matches', async () => {
    const { create, run } = harness(() => payload(null))
    const machine = await create('m', {
      T: { ...WAITING, Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Output: 'late', Next: 'P' }] },
      P: PASS,
    })
    expect((await run(machine)).output).toBe('"late"')
  })
})
