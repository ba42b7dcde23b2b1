import { join } from 'node:path'
import { editedAssembly, fixturesAssembly, type WorkflowTemplate } from './assembly.ts'
import { objectOf, textOf } from './json.ts'
import { seeded } from './seeded.ts'

/** Where a kill finds a source whose execution has not started. */
export const LANDED = 'landed'

/**
 * Every state of the ingest machine that an execution can be found in. Choices and ends take no time: they are committed
 * with the state before them, so that no kill falls between.
 */
export const STATES = [
  LANDED,
  'RegisterJob',
  'WaitForQuota',
  'ValidateFile',
  'DeferJob',
  'ClaimContent',
  'StageValidated',
  'CreateMultipartUpload',
  'Transform',
  'CopyPart',
  'ReadSummary',
  'CompleteMultipartUpload',
  'FindOutput',
  'AbortMultipartUpload',
  'EvaluateQuality',
  'ReadVerdict',
  'Quarantine',
  'ReadLoadPlan',
  'SkipJob',
  'ReadManifest',
  'FailJob',
  'RegisterPartition',
  'CloseQuarantined',
  'StageFiles',
  'PublishSkipped',
  'DescribeStatement',
  'PublishFailed',
  'AwaitStatement',
  'AwaitAnotherLoad',
  'ReadTransaction',
  'PublishQuarantined',
  'LoadWarehouse',
  'ReadLedger',
  'CompleteJob',
  'PublishCompleted',
] as const

export interface DroppedFile {
  readonly name: string
  readonly tenant: 'acme' | 'narrow' | 'deadlock'
  readonly dataset: 'events' | 'lines' | 'strict'
  readonly content: string
  /** The state that the kill aims at, … */
  readonly killIn: string
  /** … and how long after its entry is on disk. */
  readonly delayMillis: number
}

/** Loaded before any kill; the same bytes again are skipped. */
export const KNOWN_CONTENT = 'id,amount,at,note\nknown,1.00,2026-01-01T00:00:00Z,\n'

/** Larger files are copied in parts. */
const SINGLE_COPY_BYTES = 400

/** Each file corrects a row of an earlier one and brings rows of its own. */
function rowsOf(dataset: DroppedFile['dataset'], index: number, more: number): string {
  const own = Array.from({ length: more }, (_, row) => index * 100 + 10_000 + row)
  const ids = [index - 3, index, ...own].map((id) => `k${id}`)
  const at = new Date(Date.UTC(2026, 0, 1, 0, index)).toISOString()
  if (dataset === 'lines') return ids.map((id) => `${JSON.stringify({ id, reading: index })}\n`).join('')
  if (dataset === 'strict') return `id,reading\n${ids.map((id) => `${id},${index}\n`).join('')}`
  return `id,amount,at,note\n${ids.map((id) => `${id},${index}.50,${at},\n`).join('')}`
}

/** What leads an execution to the states that not every file comes through. */
const WAYS: Readonly<Record<string, (index: number) => Partial<DroppedFile>>> = {
  WaitForQuota: () => ({ tenant: 'narrow' }),
  DeferJob: () => ({ tenant: 'narrow' }),
  SkipJob: () => ({ content: KNOWN_CONTENT }),
  PublishSkipped: () => ({ content: KNOWN_CONTENT }),
  CreateMultipartUpload: (index) => ({ content: rowsOf('events', index, 12) }),
  CopyPart: (index) => ({ content: rowsOf('events', index, 12) }),
  CompleteMultipartUpload: (index) => ({ content: rowsOf('events', index, 12) }),
  AbortMultipartUpload: (index) => ({ name: `broken-${index}.csv`, content: rowsOf('events', index, 12) }),
  FailJob: (index) => ({ name: `broken-${index}.csv`, content: rowsOf('events', index, 12) }),
  PublishFailed: (index) => ({ name: `broken-${index}.csv`, content: rowsOf('events', index, 12) }),
  EvaluateQuality: (index) => ({ dataset: 'strict', content: rowsOf('strict', index, 1) }),
  Quarantine: () => ({ content: '' }),
  CloseQuarantined: () => ({ content: '' }),
  PublishQuarantined: () => ({ content: '' }),
  AwaitAnotherLoad: () => ({ tenant: 'deadlock' }),
}

/** Aimed at a state, right after its entry or a few milliseconds later. */
export function fileFor(killIn: string, index: number, delayMillis: number): DroppedFile {
  const dataset = index % 4 === 1 && WAYS[killIn] === undefined ? 'lines' : 'events'
  const name = `k${index}.${dataset === 'lines' ? 'json' : 'csv'}`
  const content = rowsOf(dataset, index, 1)
  return { name, tenant: 'acme', dataset, content, killIn, delayMillis, ...WAYS[killIn]?.(index) }
}

/** States in turn: right at the entry in every other round, else up to 12 ms later. */
export function seededFiles(count: number, seed: number): readonly DroppedFile[] {
  const random = seeded(seed)
  return Array.from({ length: count }, (_, index) => {
    const atOnce = Math.floor(index / STATES.length) % 2 === 0
    const delayMillis = Math.floor(random() * 12)
    return fileFor(STATES[index % STATES.length] ?? LANDED, index, atOnce ? 0 : delayMillis)
  })
}

const deny = (action: string, resource: string) => ({ Effect: 'Deny', Action: action, Resource: resource })

function denyRole(template: WorkflowTemplate, roleName: string, statement: object): void {
  const id = `Broken${roleName.replaceAll('-', '')}`
  template.resources[id] = {
    Type: 'AWS::IAM::Policy',
    Properties: { PolicyName: id, PolicyDocument: { Statement: [statement] }, Roles: [roleName] },
  }
}

/** No long waits where a part cannot be copied, or another load is in the way. */
function hurried(definitionText: string): string {
  const definition = objectOf(JSON.parse(definitionText))
  const states = objectOf(definition.States)
  const copyPart = objectOf(objectOf(objectOf(objectOf(states.CopyParts).ItemProcessor).States).CopyPart)
  for (const retry of Array.isArray(copyPart.Retry) ? copyPart.Retry.map(objectOf) : []) retry.MaxAttempts = 1
  objectOf(states.AwaitAnotherLoad).Seconds = 1
  return JSON.stringify(definition)
}

/**
 * The template with narrow limits, so that short files reach every state: parts from 400 bytes, sources called `broken-…`
 * that cannot be copied, and curated files of the tenant `deadlock` that COPY may not read: its error names them.
 */
export async function killAssembly(folder: string): Promise<string> {
  const context = { quotaWaits: 1, quotaWaitSeconds: 1, sweepEveryMinutes: 1440 }
  return editedAssembly(await fixturesAssembly(context), join(folder, 'assembly'), (template) => {
    const { properties } = template.find('IngestMachine', 'AWS::StepFunctions::StateMachine')
    objectOf(properties.DefinitionSubstitutions).SingleCopyMaxBytes = String(SINGLE_COPY_BYTES)
    properties.DefinitionString = hurried(textOf(properties.DefinitionString))
    denyRole(
      template,
      'sluice-ingest',
      deny('s3:GetObjectVersion', 'arn:aws:s3:::sluice-raw-*/landing/acme/events/broken-*'),
    )
    denyRole(template, 'sluice-copy', deny('s3:GetObject', 'arn:aws:s3:::sluice-curated-*/*/tenant=deadlock/*'))
  })
}
