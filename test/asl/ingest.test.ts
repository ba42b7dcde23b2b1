import { describe, expect, test } from '@jest/globals'
import { type State, statesOf } from '../../asl/definition.ts'
import { reachableFrom, shortestWay, transitionsOf } from '../../asl/transitions.ts'
import { REASONS } from '../../core/reason-codes.ts'
import { definitionOf } from './repository-definitions.ts'

const { definition, text } = definitionOf('ingest/v1')
const states = statesOf(definition)

function stateOf(name: string): State {
  const found = states.find((state) => state.name === name)
  if (found === undefined) throw new RangeError(`There is no state ${name}`)
  return found
}

/** What makes curated data visible to analysts. */
const PUBLICATION = ['RegisterPartition', 'StageFiles', 'LoadWarehouse', 'CompleteJob', 'PublishCompleted']

const without = (names: readonly string[]) => ({
  ...definition,
  states: definition.states.filter(({ name }) => !names.includes(name)),
})

describe('ingest/v1', () => {
  test('WH-26, ORC-16: nothing is published on the way of a gate that did not pass', () => {
    const [passed, ...stopped] = transitionsOf(definition).filter(({ from }) => from === 'GatePassed')
    expect(passed).toMatchObject({ to: 'ReadLoadPlan', kind: 'choice 0' })
    expect(stopped.map(({ to, kind }) => ({ to, kind }))).toEqual([
      { to: 'Quarantine', kind: 'choice 1' },
      { to: 'Quarantine', kind: 'default' },
    ])
    const reached = reachableFrom(definition, ['Quarantine'])
    expect(PUBLICATION.filter((name) => reached.has(name))).toEqual([])
  })

  test('WH-26: curated data is published through the gate only', () => {
    const reached = reachableFrom(without(['GatePassed']), [definition.startAt])
    expect(PUBLICATION.filter((name) => reached.has(name))).toEqual([])
  })

  test('ORC-16: a refused file and a refused run are stopped before anything is published', () => {
    for (const choice of ['FileValid', 'TransformOutcome', 'SchemaMatches'])
      expect(transitionsOf(definition).some(({ from, to }) => from === choice && to === 'Quarantine')).toBe(true)
  })

  test('ORC-04: every error of every task reaches a state that records the job’s end, or fails the execution for the rule to record', () => {
    const recording = new Set(['FailJob', 'Quarantine', 'JobFailed', 'RegistrationFailed', 'EventNotPublished'])
    const caught = states.filter(({ type }) => type === 'Task' || type === 'Map')
    for (const { name, catch: catchers } of caught)
      for (const { next } of catchers) {
        const reached = reachableFrom(definition, [next])
        const inMap = name === 'CopyPart'
        expect({ name, next, recorded: inMap || [...recording].some((state) => reached.has(state)) }).toEqual({
          name,
          next,
          recorded: true,
        })
      }
  })

  test('ORC-17, NOTE-04: every end of a registered job publishes one event', () => {
    const ends = states.filter(
      ({ end, type, name }) => (end || type === 'Fail' || type === 'Succeed') && !name.startsWith('Copy'),
    )
    expect(ends.map(({ name }) => name).sort()).toEqual([
      'DeferJob',
      'EventNotPublished',
      'JobFailed',
      'PublishCompleted',
      'PublishQuarantined',
      'PublishSkipped',
      'RegistrationFailed',
    ])
  })

  test('ORC-09: the happy way of a small file keeps the transition budget that the definition declares', () => {
    const budget = Number(/at most (\d+) transitions/.exec(definition.comment)?.[1])
    expect(shortestWay(definition, 'RegisterJob', 'PublishCompleted')).toBeLessThanOrEqual(budget)
  })

  test('ORC-01: initializing, acquiring, validating, processing, finalizing, notifying and failing are states that can be reached', () => {
    const reached = reachableFrom(definition, [definition.startAt])
    for (const name of [
      'RegisterJob',
      'StageValidated',
      'ValidateFile',
      'Transform',
      'LoadWarehouse',
      'CompleteJob',
      'PublishCompleted',
      'FailJob',
    ])
      expect(reached.has(name)).toBe(true)
    expect(states.filter(({ name }) => !name.startsWith('CopyPart') && !reached.has(name))).toEqual([])
  })

  test('ORC-15: Glue runs are waited for by .sync, with retries that use another run id', () => {
    for (const name of ['Transform', 'EvaluateQuality'])
      expect(stateOf(name).raw.Resource).toBe('arn:aws:states:::glue:startJobRun.sync')
    expect(JSON.stringify(stateOf('Transform').raw.Arguments)).toContain('$states.context.State.RetryCount')
  })

  test('ORC-02: functions are asked again after 2 s, doubled up to a minute: up to twenty times where they are throttled, else six', () => {
    const [throttled, failed] = stateOf('ValidateFile').retry
    expect(throttled).toMatchObject({ intervalSeconds: 2, backoffRate: 2, maxAttempts: 20, maxDelaySeconds: 60 })
    expect(throttled?.errorEquals).toEqual(['Lambda.TooManyRequestsException'])
    expect(failed).toMatchObject({ intervalSeconds: 2, backoffRate: 2, maxAttempts: 6 })
    expect(failed?.errorEquals).toContain('Lambda.ServiceException')
  })

  test('every reason code that the definition names is one of the table', () => {
    const codes = [...text.matchAll(/"reasonCode": "([a-z_]+)"/g)].map((match) => match[1] ?? '')
    expect(codes.length).toBeGreaterThan(5)
    expect(codes.filter((code) => !Object.hasOwn(REASONS, code))).toEqual([])
  })

  test('IN-32: the copy source is encoded, its version named', () => {
    const copy = JSON.stringify(stateOf('StageValidated').raw.Arguments)
    expect(copy).toContain('$encodeUrlComponent($source.bucket')
    expect(copy).toContain("'?versionId='")
  })
})
