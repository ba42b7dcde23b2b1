import { describe, expect, test } from '@jest/globals'
import { distinctNames } from '../../cli/distinct-names.ts'

describe('columns of one name in a result', () => {
  test('names that differ stay as they are', () => {
    expect(distinctNames(['order_id', 'count'])).toEqual(['order_id', 'count'])
  })

  test('every value keeps a member of its own', () => {
    expect(distinctNames(['count', 'count', 'count'])).toEqual(['count', 'count_2', 'count_3'])
  })

  test('a name that the query chose is left to its column', () => {
    expect(distinctNames(['count', 'count', 'count_2'])).toEqual(['count', 'count_3', 'count_2'])
  })
})
