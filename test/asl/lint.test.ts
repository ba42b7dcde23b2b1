import { describe, expect, test } from '@jest/globals'
import { parseDefinition } from '../../asl/definition.ts'
import { lintDefinition } from '../../asl/lint.ts'
import { DEFINITIONS } from './repository-definitions.ts'

const RETRIER = {
  ErrorEquals: ['S3.S3Exception'],
  IntervalSeconds: 1,
  BackoffRate: 2,
  MaxAttempts: 3,
  MaxDelaySeconds: 10,
  JitterStrategy: 'FULL',
}
const TASK = {
  Type: 'Task',
  Comment: 'why',
  Resource: 'arn:aws:states:::aws-sdk:s3:getObject',
  Arguments: {},
  TimeoutSeconds: 5,
  Retry: [RETRIER],
  Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Failed' }],
  End: true,
}
const INVOKE = { ...TASK, Resource: 'arn:aws:states:::lambda:invoke' }
const MAP = {
  Type: 'Map',
  Comment: 'why',
  Items: [1],
  MaxConcurrency: 2,
  ItemProcessor: { StartAt: 'One', States: { One: { Type: 'Pass', Comment: 'why', End: true } } },
  Catch: TASK.Catch,
  End: true,
}
const codesOf = (state: object) =>
  lintDefinition(
    parseDefinition(
      JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: 'A',
        States: { A: state, Failed: { Type: 'Fail', Comment: 'why' } },
      }),
      'a.asl.json',
    ),
  ).map(({ code }) => code)

const { Comment: _comment, ...UNCOMMENTED } = TASK
const { TimeoutSeconds: _timeout, ...UNTIMED } = TASK
const { MaxConcurrency: _concurrency, ...UNBOUNDED_MAP } = MAP
const { JitterStrategy: _jitter, ...UNJITTERED } = RETRIER
const { MaxDelaySeconds: _delay, ...UNCAPPED } = RETRIER
const throttled = { ...TASK.Catch[0], ErrorEquals: ['S3.S3Exception'] }

/** Catches one error only. */
const MAP_OF_SAFE_ITEMS = { ...MAP, Catch: [throttled] }
const MAP_OF_FAILING_ITEMS = {
  ...MAP_OF_SAFE_ITEMS,
  ItemProcessor: { StartAt: 'One', States: { One: { Type: 'Fail', Comment: 'why' } } },
}

describe('lintDefinition', () => {
  test('has nothing against a bounded, caught, commented task or map', () => {
    expect(codesOf(TASK)).toEqual([])
    expect(codesOf(MAP)).toEqual([])
    expect(codesOf(MAP_OF_SAFE_ITEMS)).toEqual([])
    expect(codesOf({ ...INVOKE, Arguments: { FunctionName: '${' + 'ValidateFunctionArn}' } })).toEqual([])
  })

  const FLAWED = [
    { why: 'a state without a comment', state: UNCOMMENTED, code: 'missing_comment' },
    { why: 'a task without a timeout', state: UNTIMED, code: 'missing_timeout' },
    {
      why: 'ORC-04: a task that catches some errors only',
      state: { ...TASK, Catch: [throttled] },
      code: 'missing_catch',
    },
    {
      why: 'a map that catches some errors only though its items can fail',
      state: MAP_OF_FAILING_ITEMS,
      code: 'missing_catch',
    },
    { why: 'ORC-05: a map without a bound', state: UNBOUNDED_MAP, code: 'unbounded_map' },
    { why: 'a retrier without jitter', state: { ...TASK, Retry: [UNJITTERED] }, code: 'unbounded_retry' },
    { why: 'a retrier without a cap', state: { ...TASK, Retry: [UNCAPPED] }, code: 'unbounded_retry' },
    {
      why: 'ORC-03: a retrier of every error',
      state: { ...TASK, Retry: [{ ...RETRIER, ErrorEquals: ['States.ALL'] }] },
      code: 'retry_of_everything',
    },
    {
      why: 'a fourth function',
      state: { ...INVOKE, Arguments: { FunctionName: 'notify' } },
      code: 'unknown_function',
    },
    {
      why: 'a function by its ARN',
      state: { ...TASK, Resource: 'arn:aws:lambda:us-east-2:000000000000:function:notify' },
      code: 'unknown_function',
    },
  ]
  for (const { why, state, code } of FLAWED) test(`reports ${why}`, () => expect(codesOf(state)).toEqual([code]))
})

describe('the definitions of the repository', () => {
  for (const { name, definition } of DEFINITIONS)
    test(`ORC-03, ORC-04, ORC-05: ${name} has a timeout, a catch and bounded retries wherever one belongs`, () =>
      expect(lintDefinition(definition)).toEqual([]))
})
