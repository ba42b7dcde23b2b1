import { describe, expect, test } from '@jest/globals'
import type { Json } from '../../../core/json.ts'
import { applyEntry } from '../../../local/states/apply.ts'
import { compileMachine } from '../../../local/states/compile.ts'
import { emptyExecutionState } from '../../../local/states/execution-state.ts'
import { ExecutionStore } from '../../../local/states/execution-store.ts'
import { createQueryParser } from '../../../local/states/query.ts'
import { manualClock } from '../manual-clock.ts'
import { harness } from './harness.ts'

const FAIL = { StartAt: 'F', States: { F: { Type: 'Fail', Error: 'E' } } }
const never = (_: unknown, { signal }: { readonly signal: AbortSignal }): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })

describe('order and previous events', () => {
  test('a Map that is retried starts anew behind the last event of the failed iteration', async () => {
    const { create, run, history } = harness()
    const machine = await create('m', {
      M: { Type: 'Map', Items: [1], ItemProcessor: FAIL, Retry: [{ ErrorEquals: ['E'], MaxAttempts: 1 }], End: true },
    })
    const description = await run(machine)
    expect(description).toMatchObject({ status: 'FAILED', error: 'E' })
    expect(await history(String(description.executionArn))).toEqual([
      '1<0 ExecutionStarted',
      '2<0 MapStateEntered',
      '3<2 MapStateStarted',
      '4<3 MapIterationStarted',
      '5<4 FailStateEntered',
      '6<5 MapIterationFailed',
      '7<5 MapStateStarted',
      '8<7 MapIterationStarted',
      '9<8 FailStateEntered',
      '10<9 MapIterationFailed',
      '11<9 MapStateFailed',
      '12<11 ExecutionFailed',
    ])
  })

  test('a Parallel state that is retried starts anew behind the failing event', async () => {
    const { create, run, history } = harness()
    const machine = await create('m', {
      P: { Type: 'Parallel', Branches: [FAIL], Retry: [{ ErrorEquals: ['E'], MaxAttempts: 1 }], End: true },
    })
    const { executionArn } = await run(machine)
    expect((await history(String(executionArn))).slice(3)).toEqual([
      '4<3 FailStateEntered',
      '5<4 ParallelStateStarted',
      '6<5 FailStateEntered',
      '7<6 ParallelStateFailed',
      '8<7 ExecutionFailed',
    ])
  })

  test('iterations that time out together hang on the first of them', async () => {
    const { create, run, history } = harness(never)
    const task = {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: {},
      TimeoutSeconds: 1,
      End: true,
    }
    const machine = await create('m', {
      M: { Type: 'Map', Items: [1, 2], ItemProcessor: { StartAt: 'T', States: { T: task } }, End: true },
    })
    const { executionArn } = await run(machine)
    expect((await history(String(executionArn))).slice(11)).toEqual([
      '12<8 TaskTimedOut',
      '13<11 TaskTimedOut',
      '14<12 MapIterationFailed',
      '15<12 TaskStateAborted',
      '16<12 MapIterationAborted',
      '17<12 TaskStateAborted',
      '18<12 MapStateFailed',
      '19<18 ExecutionFailed',
    ])
  })

  test('the output of one state is the input of the next, as text, also backwards and page by page', async () => {
    const { create, run, call } = harness()
    const machine = await create('m', {
      A: { Type: 'Pass', Output: { a: 1 }, Assign: { v: [1] }, Next: 'B' },
      B: { Type: 'Pass', Output: '{% $v %}', End: true },
    })
    const { executionArn } = await run(machine)
    const { events } = await call('GetExecutionHistory', { executionArn })
    const [, , exited, entered] = events as Record<string, unknown>[]
    expect(exited).toMatchObject({ stateExitedEventDetails: { output: '{"a":1}', assignedVariables: { v: '[1]' } } })
    expect(entered).toMatchObject({
      stateEnteredEventDetails: { input: '{"a":1}', inputDetails: { truncated: false } },
    })
    const pages: unknown[] = []
    let nextToken: unknown
    do {
      const page = await call('GetExecutionHistory', { executionArn, maxResults: 2, reverseOrder: true, nextToken })
      pages.push(...(page.events as unknown[]))
      nextToken = page.nextToken
    } while (nextToken !== undefined)
    expect(pages).toEqual([...(events as unknown[])].reverse())
  })
})

describe('the log', () => {
  test('leads to the state that the execution was in, whatever it waits for', async () => {
    const definition = {
      QueryLanguage: 'JSONata',
      StartAt: 'P',
      States: {
        P: {
          Type: 'Parallel',
          Branches: [
            { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 500, End: true } } },
            {
              StartAt: 'M',
              States: {
                M: {
                  Type: 'Map',
                  Items: [1, 2, 3],
                  MaxConcurrency: 2,
                  ItemProcessor: {
                    StartAt: 'T',
                    States: {
                      T: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Arguments: {}, End: true },
                    },
                  },
                  End: true,
                },
              },
            },
          ],
          End: true,
        },
      },
    } satisfies Json
    const { create, start, store, states } = harness(never, { clock: manualClock() })
    const executionArn = await start(await create('m', definition.States))
    const uuid = () => ''
    const { machine } = compileMachine(definition, createQueryParser({ now: () => new Date(0), random: () => 0, uuid }))
    const state = emptyExecutionState()
    for (const entry of new ExecutionStore(store).log(executionArn))
      if (machine !== null) applyEntry(machine, state, entry)
    await states.close()
    expect([...state.threads.values()].map(({ id, phase, state: at }) => [id, phase.kind, at?.name])).toEqual([
      [0, 'branches', 'P'],
      [1, 'wait', 'W'],
      [2, 'iterations', 'M'],
      [3, 'task', 'T'],
      [4, 'task', 'T'],
    ])
  })
})
