import type { ReasonCode } from '../../core/reason-codes.ts'
import type { Statement } from './assembly.ts'

/** What the test does to a paused job: everything of it that can be reached by the operator. */
export type Sabotage =
  | 'delete the source version'
  | 'delete the validated copy'
  | 'let the parser lose a record'
  | 'delete the manifest'
  | 'give the manifest another schema'
  | 'delete the data files'
  | 'delete the load'
  | 'let the load fail in words of a conflict'
  | 'delete a staged row'
  | 'stop the execution'

/** One job on a copy of the ingest machine, and what goes wrong for it. */
export interface Fault {
  readonly name: string
  readonly dataset?: 'events' | 'strict' | 'alerted'
  readonly tenant?: 'acme' | 'narrow'
  readonly content?: string
  /** Upload with a SHA-256, so that the content is claimed. @default false */
  readonly checksum?: boolean
  /** Refused from the beginning. */
  readonly deny?: readonly Statement[]
  readonly pauseBefore?: string
  /** Refused while the execution waits. */
  readonly revoke?: readonly Statement[]
  readonly sabotage?: Sabotage
  readonly replace?: readonly (readonly [string, string])[]
  readonly timeoutSeconds?: number
  /** Whether the rule on ended executions hears of the copy's executions. @default false */
  readonly heard?: boolean
  readonly status: 'COMPLETED' | 'QUARANTINED' | 'FAILED' | 'SKIPPED'
  readonly reasonCode: ReasonCode | null
}

const deny = (Action: string | readonly string[], Resource = '*'): Statement => ({ Effect: 'Deny', Action, Resource })
const NO_METADATA = [deny('lambda:InvokeFunction', 'arn:aws:lambda:*:*:function:metadata*')]
const NO_EVENTS = deny('events:PutEvents')
const NO_SOURCE = deny('s3:GetObjectVersion')
const SMALL_COPY = [String(1024 * 1024 * 1024), '16'] as const
const SMALL_PARTS = [String(512 * 1024 * 1024), '20'] as const

const INFRASTRUCTURE = { status: 'FAILED', reasonCode: 'infrastructure_failed' } as const
const LOAD = { status: 'FAILED', reasonCode: 'load_failed' } as const
const TRANSFORM = { status: 'FAILED', reasonCode: 'transform_failed' } as const
const QUALITY = { status: 'FAILED', reasonCode: 'quality_failed' } as const
const COMPLETED = { status: 'COMPLETED', reasonCode: null } as const
const EMPTY = { status: 'QUARANTINED', reasonCode: 'empty_object' } as const

/** The content that the test loaded before. */
export const KNOWN_CONTENT = 'id,amount,at,note\nknown,1.00,2026-01-01T00:00:00Z,\n'

export const FAULTS: readonly Fault[] = [
  {
    name: 'validate',
    deny: [deny('lambda:InvokeFunction', 'arn:aws:lambda:*:*:function:validate*')],
    ...INFRASTRUCTURE,
  },
  {
    name: 'quarantine',
    content: '',
    deny: [deny('lambda:InvokeFunction', 'arn:aws:lambda:*:*:function:quarantine*')],
    ...INFRASTRUCTURE,
  },
  { name: 'defer', tenant: 'narrow', pauseBefore: 'DeferJob', revoke: NO_METADATA, ...INFRASTRUCTURE },
  { name: 'claim', checksum: true, pauseBefore: 'ClaimContent', revoke: NO_METADATA, ...INFRASTRUCTURE },
  {
    name: 'skip',
    checksum: true,
    content: KNOWN_CONTENT,
    pauseBefore: 'SkipJob',
    revoke: NO_METADATA,
    ...INFRASTRUCTURE,
  },
  { name: 'close', content: '', pauseBefore: 'CloseQuarantined', revoke: NO_METADATA, ...INFRASTRUCTURE },
  { name: 'complete', pauseBefore: 'CompleteJob', revoke: NO_METADATA, ...INFRASTRUCTURE },
  { name: 'copy', deny: [NO_SOURCE], ...INFRASTRUCTURE },
  { name: 'parts', replace: [SMALL_COPY], ...COMPLETED },
  { name: 'parts-claimed', checksum: true, replace: [SMALL_COPY], ...COMPLETED },
  { name: 'parts-create', replace: [SMALL_COPY], deny: [deny('s3:PutObject')], ...INFRASTRUCTURE },
  { name: 'parts-copy', replace: [SMALL_COPY], deny: [NO_SOURCE], ...INFRASTRUCTURE },
  { name: 'parts-too-small', replace: [SMALL_COPY, SMALL_PARTS], ...INFRASTRUCTURE },
  {
    name: 'parts-abort',
    replace: [SMALL_COPY],
    deny: [NO_SOURCE, deny('s3:AbortMultipartUpload')],
    ...INFRASTRUCTURE,
  },
  { name: 'transform', deny: [deny('glue:StartJobRun')], ...TRANSFORM },
  { name: 'summary', deny: [deny('s3:GetObject', 'arn:aws:s3:::*/runs/*/summary.json')], ...TRANSFORM },
  { name: 'crash', pauseBefore: 'Transform', sabotage: 'delete the validated copy', ...TRANSFORM },
  { name: 'output', deny: [deny('s3:ListBucket', 'arn:aws:s3:::*curated*')], ...TRANSFORM },
  {
    name: 'output-gone',
    pauseBefore: 'FindOutput',
    sabotage: 'delete the data files',
    status: 'QUARANTINED',
    reasonCode: 'no_output',
  },
  {
    name: 'lost-record',
    pauseBefore: 'Transform',
    sabotage: 'let the parser lose a record',
    status: 'FAILED',
    reasonCode: 'counts_do_not_reconcile',
  },
  {
    name: 'breaking-type',
    dataset: 'alerted',
    content: 'id,reading\na,1\nb,many\n',
    status: 'FAILED',
    reasonCode: 'breaking_change',
  },
  { name: 'quality', dataset: 'strict', deny: [deny('glue:StartJobRun', 'arn:aws:glue:*:*:job/quality')], ...QUALITY },
  { name: 'verdict', deny: [deny('s3:GetObject', 'arn:aws:s3:::*/verdict.json')], ...QUALITY },
  { name: 'load-plan', deny: [deny('s3:GetObject', 'arn:aws:s3:::*/plans/*')], ...LOAD },
  {
    name: 'manifest-gone',
    pauseBefore: 'ReadManifest',
    sabotage: 'delete the manifest',
    status: 'QUARANTINED',
    reasonCode: 'no_output',
  },
  { name: 'manifest', deny: [deny('s3:GetObject', 'arn:aws:s3:::*/runs/*/manifest.json')], ...LOAD },
  {
    name: 'manifest-other',
    pauseBefore: 'ReadManifest',
    sabotage: 'give the manifest another schema',
    status: 'QUARANTINED',
    reasonCode: 'schema_mismatch',
  },
  { name: 'partition', deny: [deny('glue:CreatePartition')], ...LOAD },
  { name: 'stage', deny: [deny('redshift-data:BatchExecuteStatement')], ...LOAD },
  { name: 'describe', deny: [deny('redshift-data:DescribeStatement')], ...LOAD },
  { name: 'files-gone', pauseBefore: 'StageFiles', sabotage: 'delete the data files', ...LOAD },
  { name: 'load-gone', pauseBefore: 'ReadTransaction', sabotage: 'delete the load', ...LOAD },
  { name: 'load', pauseBefore: 'LoadWarehouse', revoke: [deny('redshift-data:BatchExecuteStatement')], ...LOAD },
  {
    name: 'conflict',
    pauseBefore: 'ReadTransaction',
    sabotage: 'let the load fail in words of a conflict',
    ...COMPLETED,
  },
  { name: 'ledger', deny: [deny('redshift-data:GetStatementResult')], ...LOAD },
  {
    name: 'lost-row',
    pauseBefore: 'LoadWarehouse',
    sabotage: 'delete a staged row',
    status: 'FAILED',
    reasonCode: 'counts_do_not_reconcile',
  },
  { name: 'unheard', deny: [NO_EVENTS], ...COMPLETED },
  {
    name: 'unheard-skip',
    checksum: true,
    content: KNOWN_CONTENT,
    deny: [NO_EVENTS],
    status: 'SKIPPED',
    reasonCode: 'already_processed',
  },
  { name: 'unheard-refusal', content: '', deny: [NO_EVENTS], ...EMPTY },
  { name: 'unheard-failure', deny: [NO_EVENTS, deny('glue:StartJobRun')], ...TRANSFORM },
  {
    name: 'source-gone',
    tenant: 'narrow',
    pauseBefore: 'ValidateFile',
    sabotage: 'delete the source version',
    status: 'QUARANTINED',
    reasonCode: 'source_missing',
  },
  {
    name: 'stopped',
    pauseBefore: 'ValidateFile',
    sabotage: 'stop the execution',
    heard: true,
    status: 'FAILED',
    reasonCode: 'execution_aborted',
  },
  {
    name: 'late',
    pauseBefore: 'ValidateFile',
    timeoutSeconds: 2,
    heard: true,
    status: 'FAILED',
    reasonCode: 'execution_timed_out',
  },
  {
    name: 'stopped-unheard',
    pauseBefore: 'ValidateFile',
    sabotage: 'stop the execution',
    status: 'FAILED',
    reasonCode: 'execution_aborted',
  },
]

/** What goes wrong for an execution of a copy of a machine that has no job. */
export interface MachineFault {
  readonly name: string
  readonly machine: 'intake' | 'deploy' | 'sweep'
  readonly deny?: readonly Statement[]
  readonly allow?: readonly Statement[]
  readonly pauseBefore?: string
  readonly revoke?: readonly Statement[]
  readonly replace?: readonly (readonly [string, string])[]
  readonly status: 'SUCCEEDED' | 'FAILED'
}

const START = 'states:StartExecution'
const INGEST_ALIAS = 'arn:aws:states:*:*:stateMachine:ingest:live'
const FAILED = { status: 'FAILED' } as const
const DONE = { status: 'SUCCEEDED' } as const
/** Pages of few versions, so that a short listing has several. */
const SHORT_PAGES = ["'MaxKeys': 100", "'MaxKeys': 40"] as const
const ONE_PAGE = [' + 399', ' + 0'] as const

/** Run while the paused jobs wait. */
export const EARLY_FAULTS: readonly MachineFault[] = [
  { name: 'sweep-list', machine: 'sweep', deny: [deny('s3:ListBucketVersions')], ...FAILED },
  { name: 'sweep-compare', machine: 'sweep', deny: NO_METADATA, ...FAILED },
  { name: 'sweep-start', machine: 'sweep', deny: [deny(START, INGEST_ALIAS)], ...DONE },
  {
    name: 'sweep-describe',
    machine: 'sweep',
    deny: [deny(START, INGEST_ALIAS), deny('states:DescribeExecution')],
    ...DONE,
  },
  {
    name: 'sweep-close',
    machine: 'sweep',
    deny: [deny(START, INGEST_ALIAS)],
    pauseBefore: 'CloseExecution',
    revoke: NO_METADATA,
    ...DONE,
  },
  { name: 'intake-again', machine: 'intake', ...DONE },
  { name: 'intake-start', machine: 'intake', deny: [deny(START)], ...FAILED },
  {
    name: 'intake-lost',
    machine: 'intake',
    deny: [deny(START), deny('sqs:SendMessage', 'arn:aws:sqs:*:*:sluice-dead-letters')],
    ...FAILED,
  },
  { name: 'deploy-migrate', machine: 'deploy', deny: NO_METADATA, ...FAILED },
  { name: 'deploy-seed', machine: 'deploy', pauseBefore: 'SeedMetadata', revoke: NO_METADATA, ...FAILED },
  { name: 'deploy-index', machine: 'deploy', deny: [deny('s3:GetObject')], ...FAILED },
  { name: 'deploy-batch', machine: 'deploy', pauseBefore: 'ReadBatch', revoke: [deny('s3:GetObject')], ...FAILED },
  { name: 'deploy-send', machine: 'deploy', deny: [deny('redshift-data:BatchExecuteStatement')], ...FAILED },
  { name: 'deploy-describe', machine: 'deploy', deny: [deny('redshift-data:DescribeStatement')], ...FAILED },
]

/** Run when every job has ended. */
export const LATE_FAULTS: readonly MachineFault[] = [
  { name: 'sweep-whole', machine: 'sweep', ...DONE },
  { name: 'sweep-again', machine: 'sweep', ...DONE },
  { name: 'sweep-continue-denied', machine: 'sweep', replace: [SHORT_PAGES, ONE_PAGE], ...FAILED },
  { name: 'sweep-pages', machine: 'sweep', replace: [SHORT_PAGES], ...DONE },
  {
    name: 'sweep-continue',
    machine: 'sweep',
    replace: [SHORT_PAGES, ONE_PAGE],
    allow: [{ Effect: 'Allow', Action: START, Resource: 'arn:aws:states:*:*:stateMachine:fault-sweep-continue' }],
    ...DONE,
  },
  { name: 'deploy-broken', machine: 'deploy', ...FAILED },
]
