import { describe, expect, test } from '@jest/globals'
import { unjustifiedWildcards } from '../../infra/iam-wildcards.ts'
import { WILDCARD_REASONS } from '../../infra/wildcard-reason.ts'

const allow = (actions: unknown, resources: unknown, more: object = {}) => ({
  Statement: [{ Effect: 'Allow', Action: actions, Resource: resources, ...more }],
})
const policy = (document: object, metadata: object = {}) => ({
  Resources: { Injected: { Type: 'AWS::IAM::Policy', Properties: { PolicyDocument: document }, Metadata: metadata } },
})
const because = (reason: string) => ({
  [WILDCARD_REASONS]: [{ wildcards: ['*'], actions: ['xray:PutTraceSegments'], reason }],
})
const TRACES = allow('xray:PutTraceSegments', '*')

describe('unjustifiedWildcards', () => {
  const FOUND = [
    { why: 'a wildcard resource', template: policy(allow('s3:GetObject', '*')), wildcard: '*' },
    { why: 'a wildcard action', template: policy(allow(['s3:*'], 'arn:aws:s3:::a')), wildcard: 's3:*' },
    { why: 'a prefix of actions', template: policy(allow('s3:Get*', 'arn:aws:s3:::a')), wildcard: 's3:Get*' },
    {
      why: 'a wildcard inside a reference',
      template: policy(allow('s3:GetObject', { 'Fn::Join': ['', [{ Ref: 'B' }, '/*']] })),
      wildcard: '{"Fn::Join":["",[{"Ref":"B"},"/*"]]}',
    },
    { why: 'a blank reason', template: policy(TRACES, because(' ')), wildcard: '*' },
    {
      why: 'an action that the reason was not written for',
      template: policy(allow(['xray:PutTraceSegments', 's3:GetObject'], '*'), because('no ARNs')),
      wildcard: '*',
    },
    {
      why: 'a policy inside a role',
      template: {
        Resources: {
          Injected: {
            Type: 'AWS::IAM::Role',
            Properties: { Policies: [{ PolicyDocument: allow('*', 'arn:aws:s3:::a') }] },
          },
        },
      },
      wildcard: '*',
    },
    {
      why: 'a managed policy of AWS',
      template: {
        Resources: {
          Injected: { Type: 'AWS::IAM::Role', Properties: { ManagedPolicyArns: ['arn:aws:iam::aws:policy/X'] } },
        },
      },
      wildcard: 'arn:aws:iam::aws:policy/X',
    },
    {
      why: 'a bucket open to everybody',
      template: {
        Resources: {
          Injected: {
            Type: 'AWS::S3::BucketPolicy',
            Properties: { PolicyDocument: allow('s3:GetObject', 'arn:aws:s3:::a/b', { Principal: '*' }) },
          },
        },
      },
      wildcard: 'Principal *',
    },
    {
      why: 'a key that others may administer',
      template: {
        Resources: {
          Injected: {
            Type: 'AWS::KMS::Key',
            Properties: { KeyPolicy: allow('kms:*', '*', { Principal: { AWS: 'arn:aws:iam::1:role/a' } }) },
          },
        },
      },
      wildcard: 'kms:*',
    },
  ]
  for (const { why, template, wildcard } of FOUND)
    test(`SEC-06, DEP-08: finds ${why}`, () =>
      expect(unjustifiedWildcards(template)).toEqual([{ logicalId: 'Injected', wildcard }]))

  test('DEP-08: accepts a wildcard whose reason is written for its very actions', () =>
    expect(unjustifiedWildcards(policy(TRACES, because('X-Ray has no resource-level permissions')))).toEqual([]))

  test('a denial may name everything', () =>
    expect(unjustifiedWildcards(policy({ Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] }))).toEqual([]))
})
