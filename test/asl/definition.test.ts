import { describe, expect, test } from '@jest/globals'
import { assertSubstituted, parseDefinition, placeholdersOf, statesOf } from '../../asl/definition.ts'

const pass = (comment = 'why') => ({ Type: 'Pass', Comment: comment, End: true })
const machine = (states: object, startAt = 'A') =>
  JSON.stringify({ QueryLanguage: 'JSONata', StartAt: startAt, States: states })

describe('parseDefinition', () => {
  test('reads states with their ways out, those inside a Map included', () => {
    const text = machine({
      A: { Type: 'Choice', Choices: [{ Condition: '{% true %}', Next: 'B' }], Default: 'C' },
      B: {
        Type: 'Map',
        Items: [1],
        ItemProcessor: { StartAt: 'D', States: { D: pass() } },
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'C' }],
        Next: 'C',
      },
      C: pass('the end'),
    })
    const definition = parseDefinition(text, 'a.asl.json')
    expect(statesOf(definition).map(({ name }) => name)).toEqual(['A', 'B', 'D', 'C'])
    expect(definition.states[0]).toMatchObject({ choices: ['B'], default: 'C', next: null })
    expect(definition.states[1]?.catch).toEqual([{ errorEquals: ['States.ALL'], next: 'C' }])
    expect(definition.states[2]).toMatchObject({ comment: 'the end', end: true })
  })

  const REFUSED = [
    { why: 'no JSON', text: '{', message: /Cannot use a\.asl\.json: .*JSON/ },
    { why: 'a JSON array', text: '[]', message: /it is no JSON object/ },
    { why: 'a Next to nowhere', text: machine({ A: { Type: 'Pass', Next: 'Nowhere' } }), message: /Nowhere/ },
    {
      why: 'an expression that does not parse',
      text: machine({ A: { ...pass(), Output: '{% 1 + %}' } }),
      message: /A/,
    },
  ]
  for (const { why, text, message } of REFUSED) {
    test(`DEP-02: refuses ${why} with the file in its message`, () => {
      expect(() => parseDefinition(text, 'a.asl.json')).toThrow(message)
      expect(() => parseDefinition(text, 'a.asl.json')).toThrow(expect.objectContaining({ code: 'invalid_definition' }))
    })
  }
})

describe('assertSubstituted', () => {
  const text = '{"a": "${' + 'One}", "b": "${' + 'Two} and ${' + 'One}"}'

  test('finds each placeholder once', () => expect(placeholdersOf(text)).toEqual(['One', 'Two']))
  test('accepts exactly the placeholders', () =>
    expect(() => assertSubstituted(text, 'f', ['Two', 'One'])).not.toThrow())
  test('names the placeholder without a value', () =>
    expect(() => assertSubstituted(text, 'f', ['One'])).toThrow('Cannot use f: no value is given for Two'))
  test('names the value that nothing uses', () =>
    expect(() => assertSubstituted(text, 'f', ['One', 'Two', 'Three'])).toThrow(
      'Cannot use f: nothing uses the value of Three',
    ))
})
