import { describe, expect, test } from '@jest/globals'
import { memoryStore } from '../../../local/memory-store.ts'
import { manualClock } from '../manual-clock.ts'
import { harness } from './harness.ts'

const PASS = { Type: 'Pass', End: true }

describe('machines, versions and aliases', () => {
  test('publishing an unchanged revision again gives the same version', async () => {
    const { create, call } = harness()
    const stateMachineArn = await create('m', { P: PASS })
    const first = await call('PublishStateMachineVersion', { stateMachineArn })
    expect(await call('PublishStateMachineVersion', { stateMachineArn })).toEqual(first)
  })

  test('a machine is deleted with the last of its executions, which end at their next transition', async () => {
    const clock = manualClock()
    const store = memoryStore()
    const first = harness(undefined, { clock, store })
    const wait = { Type: 'Wait', Seconds: 10, Next: 'B' }
    const arn = await first.create('m', { A: wait, B: PASS })
    const executionArn = await first.start(arn)
    await expect(first.call('DeleteStateMachine', { stateMachineArn: `${arn}:1` })).rejects.toMatchObject({
      code: 'ValidationException',
    })
    await first.call('DeleteStateMachine', { stateMachineArn: arn })
    expect(await first.call('DescribeStateMachine', { stateMachineArn: arn })).toMatchObject({ status: 'DELETING' })
    await first.states.close()
    const {
      call,
      create,
      describe: described,
      start,
      states,
    } = harness(undefined, { clock, store, generation: 'second' })
    await expect(start(arn)).rejects.toMatchObject({ code: 'StateMachineDeleting' })
    await expect(create('m', { A: PASS })).rejects.toMatchObject({ code: 'StateMachineDeleting' })
    await states.resume()
    await clock.advance(10)
    await states.whenClosed(executionArn)
    expect(await described(executionArn)).toMatchObject({
      status: 'ABORTED',
      redriveStatusReason: 'State machine is in DELETING status',
    })
    await expect(call('DescribeStateMachine', { stateMachineArn: arn })).rejects.toMatchObject({
      code: 'StateMachineDoesNotExist',
    })
    expect(await create('m', { A: PASS })).toBe(arn)
  })

  test('a route has a weight between 0 and 100, and a Map state is no machine', async () => {
    const { call, create } = harness()
    const stateMachineArn = await create('m', { A: PASS })
    const { stateMachineVersionArn } = await call('PublishStateMachineVersion', { stateMachineArn })
    const routes = [
      { stateMachineVersionArn, weight: 101 },
      { stateMachineVersionArn: `${stateMachineArn}:2`, weight: -1 },
    ]
    await expect(call('CreateStateMachineAlias', { name: 'a', routingConfiguration: routes })).rejects.toMatchObject({
      code: 'ValidationException',
    })
    await expect(call('DescribeStateMachine', { stateMachineArn: `${stateMachineArn}/rows` })).rejects.toMatchObject({
      code: 'ValidationException',
    })
  })

  test('an alias is described as the version that most of its executions run', async () => {
    const { call, create } = harness()
    const stateMachineArn = await create('m', { A: PASS })
    const one = await call('PublishStateMachineVersion', { stateMachineArn })
    await call('UpdateStateMachine', { stateMachineArn, roleArn: 'arn:aws:iam::000000000000:role/other' })
    const two = await call('PublishStateMachineVersion', { stateMachineArn })
    await call('CreateStateMachineAlias', {
      name: 'prod',
      routingConfiguration: [
        { stateMachineVersionArn: one.stateMachineVersionArn, weight: 10 },
        { stateMachineVersionArn: two.stateMachineVersionArn, weight: 90 },
      ],
    })
    const described = await call('DescribeStateMachine', {
      stateMachineArn: `${stateMachineArn}:prod`,
      includedData: 'METADATA_ONLY',
    })
    expect(described).toMatchObject({
      stateMachineArn: `${stateMachineArn}:2`,
      roleArn: expect.stringMatching(/other$/),
    })
    expect(described).not.toHaveProperty('definition')
  })
})
