import { describe, expect, test } from '@jest/globals'
import { compileFilter } from '../../../local/logs/filter-pattern.ts'

const MESSAGES = ['ERROR in step one', 'WARN in step two', '2026 {"level":"ERROR","code":503,"at":{"tenant":"acme"}}']

const found = (pattern: string): number[] =>
  MESSAGES.flatMap((message, index) => (compileFilter(pattern)(message) ? [index] : []))

describe('a filter pattern of CloudWatch Logs', () => {
  test.each<[string, number[]]>([
    ['', [0, 1, 2]],
    ['ERROR', [0, 2]],
    ['ERROR step', [0]],
    ['"in step" -one', [1]],
    ['?ERROR ?WARN', [0, 1, 2]],
    ['{ $.level = "ERROR" }', [2]],
    ['{ $.code >= 500 && $.at.tenant = ac* }', [2]],
    ['{ ($.code < 500) || ($.level != "ERROR") }', []],
    ['{ $.none = 1 }', []],
  ])('%s finds what it describes', (pattern, expected) => {
    expect(found(pattern)).toEqual(expected)
  })

  test.each(['{ level = 1 }', '{ $.level }', '{ $.level = 1', '{ ($.level = 1 }'])('%s is refused', (pattern) => {
    expect(() => compileFilter(pattern)).toThrow(expect.objectContaining({ code: 'InvalidParameterException' }))
  })
})
