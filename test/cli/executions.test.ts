import type { HistoryEvent } from '@aws-sdk/client-sfn'
import { describe, expect, test } from '@jest/globals'
import { printTree } from '../../cli/executions/print.ts'
import { callsOf } from '../../cli/executions/trace.ts'
import { executionTree } from '../../cli/executions/tree.ts'

/** Events in the order given, a second apart, each after the one before it unless it names another. */
const history = (...events: readonly Partial<HistoryEvent>[]): readonly HistoryEvent[] =>
  events.map((event, index) => ({
    id: index + 1,
    previousEventId: index,
    timestamp: new Date(Date.UTC(2026, 0, 1, 0, 0, index)),
    type: 'Unspecified' as HistoryEvent['type'],
    ...event,
  }))
const entered = (kind: string, name: string, previousEventId?: number): Partial<HistoryEvent> => ({
  type: `${kind}StateEntered` as HistoryEvent['type'],
  stateEnteredEventDetails: { name, input: '{}' },
  ...(previousEventId === undefined ? {} : { previousEventId }),
})
const exited = (kind: string, name: string, previousEventId?: number): Partial<HistoryEvent> => ({
  type: `${kind}StateExited` as HistoryEvent['type'],
  stateExitedEventDetails: { name, output: '{"done":true}' },
  ...(previousEventId === undefined ? {} : { previousEventId }),
})
const scheduled = (resourceType: string, resource: string, parameters: unknown): Partial<HistoryEvent> => ({
  type: 'TaskScheduled',
  taskScheduledEventDetails: { resourceType, resource, region: 'us-east-2', parameters: JSON.stringify(parameters) },
})
const failed = (error: string, cause: string): Partial<HistoryEvent> => ({
  type: 'TaskFailed',
  taskFailedEventDetails: { resourceType: 'glue', resource: 'startJobRun.sync', error, cause },
})

describe('an execution as a tree', () => {
  test('shows tries with their errors, what a Glue run says among them', () => {
    const run = { JobName: 'transform-small', ErrorMessage: 'out of memory' }
    const states = executionTree(
      history(
        { type: 'ExecutionStarted' },
        entered('Task', 'Transform'),
        scheduled('glue', 'startJobRun.sync', { JobName: 'transform-small' }),
        failed('States.TaskFailed', JSON.stringify(run)),
        scheduled('glue', 'startJobRun.sync', { JobName: 'transform-small' }),
        {
          type: 'TaskSucceeded',
          taskSucceededEventDetails: { resourceType: 'glue', resource: 'x', output: '{"Id":"jr_1"}' },
        },
        exited('Task', 'Transform'),
      ),
    )
    expect(printTree(states, false)).toBe(
      [
        '└─ ✓ Transform  Task  glue:startJobRun.sync  5.0 s  2 tries',
        '   ├─ try 1  glue:startJobRun.sync  1.0 s  States.TaskFailed: out of memory',
        '   └─ try 2  glue:startJobRun.sync  1.0 s  succeeded',
      ].join('\n'),
    )
    expect(
      callsOf(states).map(({ service, operation, subject, error }) => [service, operation, subject, error]),
    ).toEqual([
      ['glue', 'startJobRun.sync', 'transform-small', 'States.TaskFailed'],
      ['glue', 'startJobRun.sync', 'transform-small jr_1', null],
    ])
  })

  test('puts the states of branches and iterations below what holds them, however their events interleave', () => {
    const states = executionTree(
      history(
        { type: 'ExecutionStarted' },
        entered('Parallel', 'Both'),
        { type: 'ParallelStateStarted' },
        entered('Pass', 'Left', 3),
        entered('Map', 'Each', 3),
        exited('Pass', 'Left', 4),
        { type: 'MapStateStarted', previousEventId: 5 },
        {
          type: 'MapIterationStarted',
          previousEventId: 7,
          mapIterationStartedEventDetails: { name: 'Each', index: 0 },
        },
        entered('Pass', 'One', 8),
        exited('Pass', 'One', 9),
        { type: 'MapIterationSucceeded', previousEventId: 10 },
        { type: 'MapStateSucceeded', previousEventId: 11 },
        exited('Map', 'Each', 12),
        { type: 'ParallelStateSucceeded', previousEventId: 13 },
        exited('Parallel', 'Both', 14),
        entered('Succeed', 'Done'),
      ),
    )
    expect(
      printTree(states, false)
        .split('\n')
        .map((line) => line.replace(/ +(\d+\.\d s|running)$/, '')),
    ).toEqual([
      '├─ ✓ Both  Parallel',
      '│  ├─ branch 1',
      '│  │  └─ ✓ Left  Pass',
      '│  └─ branch 2',
      '│     └─ ✓ Each  Map',
      '│        └─ iteration 0',
      '│           └─ ✓ One  Pass',
      '└─ … Done  Succeed',
    ])
  })

  test('folds the rounds of a loop that has nothing to tell, and leaves the rest open while more is to come', () => {
    const round = ['Look', 'Finished', 'Wait'].flatMap((name) => [entered('Pass', name), exited('Pass', name)])
    const states = executionTree(
      history({ type: 'ExecutionStarted' }, ...round, ...round, ...round, ...round.slice(0, 4)),
    )
    expect(printTree(states, false)).toBe(
      [
        '├─ ↻ 3 rounds  Look, Finished, Wait  17.0 s',
        '├─ ✓ Look      Pass                   1.0 s',
        '└─ ✓ Finished  Pass                   1.0 s',
      ].join('\n'),
    )
    expect(printTree(states.slice(0, 1), false, true)).toBe('├─ ✓ Look  Pass  1.0 s')
    expect(printTree(states, true)).not.toMatch(/rounds/)
  })

  test('marks the state in which an execution failed', () => {
    const states = executionTree(
      history({ type: 'ExecutionStarted' }, entered('Fail', 'JobFailed'), {
        type: 'ExecutionFailed',
        executionFailedEventDetails: { error: 'transform_failed', cause: 'why' },
      }),
    )
    expect(printTree(states, true)).toBe('└─ ✗ JobFailed  Fail  1.0 s  transform_failed: why\n   └─ input  {}')
  })
})
