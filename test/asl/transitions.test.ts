import { describe, expect, test } from '@jest/globals'
import { parseDefinition } from '../../asl/definition.ts'
import { printTransition, reachableFrom, shortestWay, transitionsOf } from '../../asl/transitions.ts'

const definition = parseDefinition(
  JSON.stringify({
    QueryLanguage: 'JSONata',
    StartAt: 'Route',
    States: {
      Route: {
        Type: 'Choice',
        Choices: [
          { Condition: '{% $states.input.a %}', Next: 'Each' },
          { Condition: '{% $states.input.b %}', Next: 'Done' },
        ],
        Default: 'Failed',
      },
      Each: {
        Type: 'Map',
        Items: [1],
        ItemProcessor: {
          StartAt: 'One',
          States: { One: { Type: 'Pass', Next: 'Two' }, Two: { Type: 'Pass', End: true } },
        },
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Failed' }],
        Next: 'Done',
      },
      Done: { Type: 'Succeed' },
      Failed: { Type: 'Fail' },
    },
  }),
  'a.asl.json',
)

describe('transitionsOf', () => {
  test('lists every edge once, with its kind, those inside a Map included', () =>
    expect(transitionsOf(definition).map(printTransition)).toEqual([
      'Route -[choice 0]-> Each',
      'Route -[choice 1]-> Done',
      'Route -[default]-> Failed',
      'Each -[next]-> Done',
      'Each -[catch 0]-> Failed',
      'One -[next]-> Two',
    ]))
})

describe('reachableFrom', () => {
  test('follows every kind of edge', () =>
    expect([...reachableFrom(definition, ['Each'])].sort()).toEqual(['Done', 'Each', 'Failed']))
})

describe('shortestWay', () => {
  test('counts the states that are entered', () => {
    expect(shortestWay(definition, 'Route', 'Done')).toBe(2)
    expect(shortestWay(definition, 'Each', 'Failed')).toBe(2)
    expect(shortestWay(definition, 'Done', 'Route')).toBeNull()
  })
})
