import { describe, expect, test } from '@jest/globals'
import { NO_VALUE, resolveValue, type Scope } from '../../../local/assembly/intrinsics.ts'

const SCOPE: Scope = {
  region: 'us-east-2',
  ref: (name) => (name === 'AWS::NoValue' ? NO_VALUE : `ref-${name}`),
  attribute: (logicalId, name) => `${logicalId}/${name}`,
  imported: (name) => `imported-${name}`,
  condition: (name) => name === 'Yes',
  mapping: (map, top, second) => `${map}.${top}.${second}`,
}

const CASES = [
  { why: 'a reference', value: { Ref: 'Raw' }, expected: 'ref-Raw' },
  { why: 'an attribute as a list', value: { 'Fn::GetAtt': ['Raw', 'Arn'] }, expected: 'Raw/Arn' },
  { why: 'a nested attribute as a text', value: { 'Fn::GetAtt': 'Db.Endpoint.Port' }, expected: 'Db/Endpoint.Port' },
  { why: 'a join', value: { 'Fn::Join': ['-', ['a', { Ref: 'B' }, 3]] }, expected: 'a-ref-B-3' },
  {
    why: 'a substitution with variables, attributes and an escape',
    value: { 'Fn::Sub': ['${A}/${Raw.Arn}/${X}/${!literal}', { X: { Ref: 'Y' } }] },
    expected: 'ref-A/Raw/Arn/ref-Y/${literal}',
  },
  { why: 'a selection from a split', value: { 'Fn::Select': ['1', { 'Fn::Split': ['/', 'a/b/c'] }] }, expected: 'b' },
  { why: 'an import', value: { 'Fn::ImportValue': 'Storage:Raw' }, expected: 'imported-Storage:Raw' },
  { why: 'a condition', value: { 'Fn::If': ['No', 1, { Ref: 'AWS::NoValue' }] }, expected: NO_VALUE },
  { why: 'a member without a value', value: { a: 1, b: { Ref: 'AWS::NoValue' } }, expected: { a: 1 } },
  { why: 'a map entry', value: { 'Fn::FindInMap': ['M', 'k', 'v'] }, expected: 'M.k.v' },
  { why: 'a list of blocks', value: { 'Fn::Cidr': ['10.0.0.0/16', 2, 8] }, expected: ['10.0.0.0/24', '10.0.1.0/24'] },
  { why: 'JSON text', value: { 'Fn::ToJsonString': { a: { Ref: 'B' } } }, expected: '{"a":"ref-B"}' },
  {
    why: 'the condition of a policy statement, which is no function',
    value: { Condition: { StringEquals: { k: { Ref: 'B' } } } },
    expected: { Condition: { StringEquals: { k: 'ref-B' } } },
  },
]

describe('the intrinsic functions', () => {
  for (const { why, value, expected } of CASES) {
    test(`resolve ${why}`, () => expect(resolveValue(value, SCOPE, 'Test')).toEqual(expected))
  }

  test('refuse a function they do not know, naming it and its place', () => {
    expect(() => resolveValue({ a: { 'Fn::Transform': {} } }, SCOPE, 'Resources.Raw')).toThrow(
      'Cannot resolve Resources.Raw.a.Fn::Transform: the function "Fn::Transform" is not supported',
    )
  })
})
