import { describe, expect, test } from '@jest/globals'
import { compilePattern } from '../../../local/events/pattern.ts'

const EVENT = {
  source: 'aws.s3',
  'detail-type': 'Object Created',
  detail: {
    bucket: { name: 'raw' },
    object: { key: 'landing/acme/orders/a b.csv', size: 5 },
    'source-ip-address': '10.0.0.7',
    reason: null,
    tags: ['red', 'green'],
    parts: [{ n: 1 }, { n: 2 }],
  },
}

const key = (operator: unknown) => ({ detail: { object: { key: [operator] } } })
const size = (operator: unknown) => ({ detail: { object: { size: [operator] } } })
const detail = (name: string, operator: unknown) => ({ detail: { [name]: [operator] } })

const CASES: readonly { why: string; pattern: unknown; matches: boolean }[] = [
  { why: 'equal texts', pattern: { source: ['aws.s3', 'aws.x'], 'detail-type': ['Object Created'] }, matches: true },
  { why: 'another text', pattern: { source: ['aws.x'] }, matches: false },
  { why: 'an equal number', pattern: size(5), matches: true },
  { why: 'a number as a text', pattern: size('5'), matches: false },
  { why: 'null', pattern: detail('reason', null), matches: true },
  { why: 'null for an absent field', pattern: detail('nothing', null), matches: false },
  { why: 'an item of an array', pattern: detail('tags', 'green'), matches: true },
  { why: 'a member of an array of objects', pattern: { detail: { parts: { n: [2] } } }, matches: true },
  { why: 'a prefix', pattern: key({ prefix: 'landing/' }), matches: true },
  { why: 'another prefix', pattern: key({ prefix: 'other/' }), matches: false },
  { why: 'a prefix whatever its case', pattern: key({ prefix: { 'equals-ignore-case': 'LANDING' } }), matches: true },
  { why: 'a suffix', pattern: key({ suffix: '.csv' }), matches: true },
  { why: 'a suffix whatever its case', pattern: key({ suffix: { 'equals-ignore-case': '.CSV' } }), matches: true },
  { why: 'equality whatever the case', pattern: { source: [{ 'equals-ignore-case': 'AWS.S3' }] }, matches: true },
  { why: 'anything but a text', pattern: { source: [{ 'anything-but': 'aws.x' }] }, matches: true },
  { why: 'anything but a listed text', pattern: { source: [{ 'anything-but': ['aws.x', 'aws.s3'] }] }, matches: false },
  { why: 'anything but for an absent field', pattern: detail('nothing', { 'anything-but': ['a'] }), matches: false },
  { why: 'anything but a number', pattern: size({ 'anything-but': [1, 2] }), matches: true },
  { why: 'anything but a prefix', pattern: key({ 'anything-but': { prefix: 'landing/' } }), matches: false },
  {
    why: 'anything but listed suffixes',
    pattern: key({ 'anything-but': { suffix: ['.tmp', '_SUCCESS'] } }),
    matches: true,
  },
  {
    why: 'anything but a wildcard',
    pattern: key({ 'anything-but': { wildcard: 'landing/*/orders/*' } }),
    matches: false,
  },
  {
    why: 'anything but, whatever the case',
    pattern: { source: [{ 'anything-but': { 'equals-ignore-case': 'AWS.S3' } }] },
    matches: false,
  },
  { why: 'a numeric range', pattern: size({ numeric: ['>', 0, '<=', 5] }), matches: true },
  { why: 'a number outside the range', pattern: size({ numeric: ['>', 5] }), matches: false },
  { why: 'numeric equality', pattern: size({ numeric: ['=', 5.0] }), matches: true },
  { why: 'a numeric operator on a text', pattern: key({ numeric: ['>', 0] }), matches: false },
  { why: 'an address in a network', pattern: detail('source-ip-address', { cidr: '10.0.0.0/24' }), matches: true },
  {
    why: 'an address outside a network',
    pattern: detail('source-ip-address', { cidr: '10.0.1.0/24' }),
    matches: false,
  },
  { why: 'a field that exists', pattern: detail('reason', { exists: true }), matches: true },
  { why: 'an object, which is no leaf', pattern: detail('bucket', { exists: true }), matches: false },
  { why: 'a field that does not exist', pattern: detail('nothing', { exists: false }), matches: true },
  { why: 'a wildcard', pattern: key({ wildcard: 'landing/*/orders/*.csv' }), matches: true },
  { why: 'an escaped wildcard', pattern: key({ wildcard: 'landing/\\*/orders/*' }), matches: false },
  {
    why: 'one of several fields',
    pattern: { $or: [{ source: ['aws.x'] }, { detail: { object: { size: [5] } } }] },
    matches: true,
  },
  {
    why: 'none of several fields',
    pattern: { source: ['aws.s3'], detail: { $or: [{ bucket: { name: ['x'] } }, { reason: ['x'] }] } },
    matches: false,
  },
]

const REFUSED: readonly { why: string; pattern: unknown; message: string }[] = [
  { why: 'an unknown operator', pattern: { a: [{ like: 'x' }] }, message: 'Unrecognized match type like' },
  { why: 'a leaf that is no list', pattern: { a: 'x' }, message: '"a" must be an object or an array' },
  { why: 'an empty list', pattern: { a: [] }, message: 'Empty arrays are not allowed' },
  { why: 'two stars in a row', pattern: { a: [{ wildcard: 'a**b' }] }, message: 'Consecutive wildcard characters' },
  { why: 'half a comparison', pattern: { a: [{ numeric: ['>'] }] }, message: 'must be an array of comparisons' },
  { why: 'an empty pattern', pattern: {}, message: 'must be a JSON object that is not empty' },
]

describe('event patterns', () => {
  for (const { why, pattern, matches } of CASES) {
    test(`${matches ? 'match' : 'do not match'} ${why}`, () => expect(compilePattern(pattern)(EVENT)).toBe(matches))
  }
  for (const { why, pattern, message } of REFUSED) {
    test(`refuse ${why}`, () => expect(() => compilePattern(pattern)).toThrow(message))
  }
})
