import { describe, expect, test } from '@jest/globals'
import type { Json } from '../../../core/json.ts'
import { createQueryParser } from '../../../local/states/query.ts'
import { chooseRetrier, matchesError, retryDelayMillis } from '../../../local/states/retry.ts'

const parse = createQueryParser({
  now: () => new Date('2026-01-02T03:04:05.678Z'),
  random: () => 0.25,
  uuid: () => '11111111-1111-4111-8111-111111111111',
})
const evaluate = (text: string, input: Json = null) => parse(text).evaluate({ states: { input }, x: [1, 2] })

describe('expressions', () => {
  const VALUES: readonly { readonly text: string; readonly value: Json }[] = [
    { text: '$partition([0,1,2], 2)', value: [[0, 1], [2]] },
    { text: '$range(0, 10, 3)', value: [0, 3, 6, 9] },
    { text: '$range(1, 9, 9)', value: 1 },
    { text: '$range(3, 1, -1)', value: [3, 2, 1] },
    { text: "$hash('a', 'MD5')", value: '0cc175b9c0f1b6a831c399e269772661' },
    { text: '$random()', value: 0.25 },
    { text: "$random('s') = $random('s')", value: true },
    { text: '$uuid()', value: '11111111-1111-4111-8111-111111111111' },
    { text: '$parse(\'{"a":[1]}\')', value: { a: [1] } },
    { text: '$now()', value: '2026-01-02T03:04:05.678Z' },
    { text: '$millis()', value: 1_767_323_045_678 },
    { text: '[$x[$ = 1]]', value: [1] },
    { text: '10/0', value: 'Infinity' },
    { text: "{'x': $states.input.none}", value: {} },
  ]
  test.each(VALUES)('$text', async ({ text, value }) => {
    expect(await evaluate(text)).toEqual(value)
  })

  const sumTo = (depth: number) => `($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(${depth}))`

  test("recursion ends at AWS's depth, not where it is a loop", async () => {
    expect(await evaluate(sumTo(30))).toBe(30)
    await expect(evaluate(sumTo(40))).rejects.toMatchObject({ reason: expect.stringMatching(/Depth=101 max=100$/) })
    expect(await evaluate('($f := function($n) { $n = 0 ? 0 : $f($n - 1) }; $f(300))')).toBe(0)
    expect(await evaluate('$sum($map([1..300], function($v) { $v }))')).toBe(45_150)
  })

  test('a text that is itself nested too deep fails, many things side by side do not', async () => {
    const numbers = Array.from({ length: 120 }, (_, index) => index)
    await expect(evaluate(numbers.join('+'))).rejects.toMatchObject({ reason: expect.stringMatching(/max=100$/) })
    expect(await evaluate(`($f := function($n) { $n }; [${numbers.map((n) => `$f(${n})`).join(',')}])`)).toEqual(
      numbers,
    )
  })

  const TOO_MUCH = [
    '[1..873783] ~> $count()',
    '$range(1, 1000000000000, 1)',
    '$length(($p := function($s, $n) { $n = 0 ? $s : $p($s & $s, $n - 1) }; $p("x", 23)))',
  ]
  test.each(TOO_MUCH)('%s holds more than AWS lets an evaluation hold', async (text) => {
    await expect(evaluate(text)).rejects.toMatchObject({
      reason:
        'threw an error during evaluation: Expression evaluation memory limit exceeded: Check for excessive memory usage',
    })
  })

  test('evaluations of one expression at the same time do not count for each other', async () => {
    const query = parse(sumTo(25))
    const results = await Promise.all(Array.from({ length: 8 }, () => query.evaluate({})))
    expect(results).toEqual(Array.from({ length: 8 }, () => 25))
  })

  const FAILURES = [
    { text: '$states.input.none', reason: 'returned nothing (undefined).' },
    { text: '$eval("1")', reason: 'threw an error during evaluation. T1006: Attempted to invoke a non-function' },
    { text: '$uuid', reason: 'returned an unsupported result type.' },
    { text: "$error('x')", reason: 'threw an error during evaluation. D3137: x' },
  ]
  test.each(FAILURES)('$text $reason', async ({ text, reason }) => {
    await expect(evaluate(text)).rejects.toMatchObject({ name: 'QueryFailure', reason })
  })

  test('a recursion without end fails instead of running on', async () => {
    await expect(evaluate('($f := function($n){ 1 + $f($n + 1) }; $f(0))')).rejects.toMatchObject({
      name: 'QueryFailure',
    })
  })
})

describe('retriers', () => {
  const retrier = {
    errorEquals: ['A', 'B'],
    intervalSeconds: 2,
    maxAttempts: 3,
    backoffRate: 2,
    maxDelaySeconds: 5,
    fullJitter: false,
  }
  test('grow the delay up to the bound, and draw it with full jitter', () => {
    const random = () => 0.5
    expect([1, 2, 3].map((attempt) => retryDelayMillis(retrier, attempt, random))).toEqual([2_000, 4_000, 5_000])
    expect(retryDelayMillis({ ...retrier, fullJitter: true }, 2, random)).toBe(2_000)
  })

  test('the first that matches decides, with its own counter', () => {
    const all = { ...retrier, errorEquals: ['States.ALL'], maxAttempts: 9 }
    const matched = { failure: { error: 'B' }, heartbeat: false }
    expect(chooseRetrier([retrier, all], [2], matched)).toMatchObject({ index: 0, attempt: 3 })
    expect(chooseRetrier([retrier, all], [3], matched)).toBeNull()
    expect(chooseRetrier([retrier, all], [3], { ...matched, failure: { error: 'C' } })).toMatchObject({ index: 1 })
  })

  test('nothing matches States.Runtime', () => {
    expect(
      matchesError(['States.ALL', 'States.Runtime'], { failure: { error: 'States.Runtime' }, heartbeat: false }),
    ).toBe(false)
  })
})
