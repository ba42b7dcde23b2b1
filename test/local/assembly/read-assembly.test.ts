import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Assembly } from '../../../local/assembly/model.ts'
import { FIRST_VERSIONS, readAssembly } from '../../../local/assembly/read-assembly.ts'
import { synthesizeSample } from './sample-app.ts'

const OPTIONS = { numbers: FIRST_VERSIONS, local: { databaseHost: '127.0.0.1', databasePort: '5432' } }
const RAW = 'sample-raw-000000000000-us-east-2'

let directory: string
let outdir: string
let assembly: Assembly

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-assembly-'))
  outdir = synthesizeSample(directory)
  assembly = await readAssembly(outdir, OPTIONS)
}, 60_000)
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('the assembly reader', () => {
  test('resolves names across stacks and falls back to the laptop environment', () => {
    expect(assembly.region).toBe('us-east-2')
    expect(assembly.functions[0]?.environment).toEqual({ RAW_BUCKET: RAW, BUS: 'sample' })
  })

  test('finds encryption, events and policy of a bucket', () => {
    const [bucket] = assembly.buckets
    expect(bucket).toMatchObject({ name: RAW, versioned: true, eventBridge: true, kmsKeyArn: assembly.keys[0]?.arn })
    expect(JSON.stringify(bucket?.policy)).toContain('aws:SecureTransport')
    expect(assembly.keys[0]?.aliases).toEqual(['alias/zones'])
  })

  test('gathers every policy of a role', () => {
    const role = assembly.roles.find((candidate) => candidate.arn === assembly.functions[0]?.roleArn)
    const text = JSON.stringify(role?.policies)
    expect(text).toContain('logs:PutLogEvents')
    expect(text).toContain(`arn:aws:s3:::${RAW}/landing/*`)
  })

  test('points a function at its bundle, its limits and its published version', () => {
    const [greet] = assembly.functions
    expect(greet).toMatchObject({ name: 'greet', timeoutSeconds: 7, reservedConcurrency: 4, versions: ['1'] })
    expect(readFileSync(join(greet?.codeDirectory ?? '', 'index.mjs'), 'utf8')).toContain('RAW_BUCKET')
  })

  test('makes the substitutions of a definition and routes its alias to the published version', () => {
    const [machine] = assembly.stateMachines
    expect(JSON.parse(machine?.definition ?? '')).toMatchObject({
      States: { Greet: { Resource: 'arn:aws:lambda:us-east-2:000000000000:function:greet:1' } },
    })
    expect(machine?.aliases).toEqual([
      {
        name: 'live',
        arn: `${machine?.arn}:live`,
        routes: [{ versionArn: `${machine?.arn}:1`, weight: 100 }],
      },
    ])
  })

  test('keeps pattern, transformer, retry policy and dead-letter queue of a rule target', () => {
    const rule = assembly.rules.find((candidate) => candidate.eventPattern !== null)
    expect(rule?.eventPattern).toMatchObject({ source: ['aws.s3'], detail: { bucket: { name: [RAW] } } })
    expect(rule?.targets[0]).toMatchObject({
      arn: 'arn:aws:states:us-east-2:000000000000:stateMachine:ingest:live',
      maximumRetryAttempts: 10,
      maximumEventAgeSeconds: 7200,
      deadLetterArn: 'arn:aws:sqs:us-east-2:000000000000:dead-letters',
    })
    expect(rule?.targets[0]?.inputTransformer?.template).toContain('<detail-object-key>')
  })

  test('turns an invoke permission into a statement of the function version', () => {
    const policy = assembly.resourcePolicies.find(({ resourceArn }) => resourceArn.includes(':function:'))
    expect(policy?.resourceArn).toBe('arn:aws:lambda:us-east-2:000000000000:function:greet:1')
    expect(JSON.stringify(policy?.document)).toContain('events.amazonaws.com')
  })

  test('is the same assembly when read again', async () => {
    expect(await readAssembly(outdir, OPTIONS)).toEqual(assembly)
  })

  test('refuses a missing assembly with a code and the command that makes one', async () => {
    await expect(readAssembly(join(directory, 'nowhere'), OPTIONS)).rejects.toMatchObject({
      code: 'assembly_missing',
      hint: 'npm run synth',
    })
  })

  test('refuses a resource type it does not know, by name', async () => {
    const file = join(outdir, 'Storage.template.json')
    const template = readFileSync(file, 'utf8')
    writeFileSync(file, template.replace('"AWS::Events::EventBus"', '"AWS::IoT::Thing"'))
    await expect(readAssembly(outdir, OPTIONS)).rejects.toMatchObject({
      code: 'unsupported_resource_type',
      found: 'AWS::IoT::Thing',
    })
    writeFileSync(file, template)
  })
})
