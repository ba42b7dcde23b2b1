import { S3Client } from '@aws-sdk/client-s3'
import { isJsonObject } from '../../core/json.ts'
import type { QuarantineRecord } from '../../lambdas/metadata/quarantine-list.ts'
import { clientSettings, invokeMetadata, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { listRecords, type ShownQuarantine, showRecords } from '../quarantine-client.ts'
import { readEvidence } from '../quarantine-evidence.ts'
import { actorOf, type FilterOptions, parseFilter } from '../quarantine-options.ts'
import { connectionOf } from '../session.ts'
import { columns } from '../table.ts'
import { parseLimit } from './jobs.ts'

const printRecords = (records: readonly QuarantineRecord[]): string =>
  records.length === 0
    ? 'nothing waits'
    : columns(
        [
          ['JOB', 'TENANT', 'DATASET', 'STATE', 'STAGE', 'REASON', 'SINCE', 'KEY'],
          ...records.map((record) => [
            record.jobId,
            record.tenantId,
            record.dataset,
            record.state,
            record.stage,
            record.reasonCode,
            record.openedAt.slice(0, 19),
            record.source.key,
          ]),
        ],
        Array.from({ length: 8 }, () => 'left'),
      )

/** `sluice quarantine list`: records, newest first, with counts by reason. */
export async function quarantineList(
  { output, state, directory, environment }: Invocation,
  options: FilterOptions & { limit: string },
): Promise<ExitCode> {
  const filter = parseFilter(options)
  const limit = parseLimit(options.limit)
  const lambda = await lambdaClient(connectionOf(state, directory, environment))
  const { records, reasons, total } = await listRecords(lambda, filter, limit)
  output.result({ total, reasons, jobs: records }, () =>
    [
      ...Object.entries(reasons).map(([reason, count]) => `${String(count).padStart(6)}  ${reason}`),
      ...(total === 0 ? [] : ['']),
      printRecords(records),
      ...(total > records.length ? [`${total - records.length} more; see --limit`] : []),
    ].join('\n'),
  )
  return EXIT.done
}

const printRecord = ({ attempt, state, reasonCode, stage, openedAt, ...end }: QuarantineRecord): string =>
  `  attempt ${attempt}: ${reasonCode} (${stage}) ${openedAt}, ${state}` +
  (end.closedAt === null
    ? ''
    : ` ${end.closedAt} by ${end.closedBy}${end.closingJobId === null ? '' : `, job ${end.closingJobId}`}: ${end.why}`)

/** The whole cell is in `--json` and in the report. */
const shortened = (cell: string): string =>
  cell.length > CELL_CHARACTERS ? `${cell.slice(0, CELL_CHARACTERS)}…` : cell
const CELL_CHARACTERS = 60

const MANIFEST_LINES = ['meaning', 'details', 'runId', 'executionArn'] as const

/** What the manifest tells beyond the record. */
const printManifest = (manifest: unknown): readonly string[] =>
  isJsonObject(manifest)
    ? MANIFEST_LINES.flatMap((name) => {
        const value = manifest[name]
        if (value === null || value === undefined) return []
        return [`  ${name.padEnd(12)} ${typeof value === 'string' ? value : JSON.stringify(value)}`]
      })
    : ['  The manifest has expired; the record stays']

const PARTS = ['contract', 'mapping', 'ruleset'] as const

function printConfiguration({ configuration: { pinned, current } }: ShownQuarantine): string {
  const cell = (document: { version: number; hash: string } | undefined): string =>
    document === undefined ? 'none' : `${document.version} ${document.hash.slice(0, 12)}`
  return columns(
    [
      ['', 'THEN', 'NOW', ''],
      ...PARTS.map((part) => {
        const changed = pinned !== null && current !== null && pinned[part].hash !== current[part].hash
        return [part, cell(pinned?.[part]), cell(current?.[part]), changed ? 'changed' : '']
      }),
    ],
    ['left', 'left', 'left', 'left'],
  )
}

/** `sluice quarantine show JOB`: why it waits, its first errors, and whether running it again can help. */
export async function quarantineShow(
  { output, state, directory, environment }: Invocation,
  jobId: string,
): Promise<ExitCode> {
  const connection = connectionOf(state, directory, environment)
  const lambda = await lambdaClient(connection)
  const shown = await showRecords(lambda, jobId)
  const s3 = new S3Client({ ...clientSettings(connection), forcePathStyle: true })
  const { manifest, rows } = await readEvidence(lambda, s3, shown.latest)
  const [head = [], ...body] = rows
  const errors = body.map((row) => Object.fromEntries(row.map((cell, index) => [head[index] ?? String(index), cell])))
  const { latest, ...document } = shown
  output.result({ ...document, manifest, errors }, () =>
    [
      `${jobId}  ${latest.state}  ${latest.reasonCode}`,
      `  ${latest.tenantId}/${latest.dataset}  s3://${latest.source.bucket}/${latest.source.key} (version ${latest.source.versionId})`,
      `  ${latest.message ?? ''}`,
      ...printManifest(manifest),
      ...shown.records.map(printRecord),
      '',
      printConfiguration(shown),
      '',
      ...(body.length === 0
        ? []
        : [
            columns(
              rows.map((row) => row.map(shortened)),
              head.map((name) => (name === 'record_number' ? 'right' : 'left')),
            ),
            '',
          ]),
      latest.state === 'open' ? `${shown.remedy.advice}.` : `Nothing waits any more: the record is ${latest.state}.`,
    ].join('\n'),
  )
  return EXIT.done
}

/** `sluice quarantine discard JOB --why TEXT`: gives a source up; nothing is deleted. */
export async function quarantineDiscard(
  { output, state, directory, environment }: Invocation,
  jobId: string,
  options: { why?: string; by?: string },
): Promise<ExitCode> {
  if (options.why === undefined || options.why.trim() === '')
    throw new CommandError(EXIT.wrongUse, 'missing_why', 'Say why it is given up with --why')
  const lambda = await lambdaClient(connectionOf(state, directory, environment))
  const by = actorOf(options.by)
  const answer = await invokeMetadata(lambda, { operation: 'discardQuarantine', jobId, by, why: options.why })
  output.result(answer, () => `${jobId} is discarded by ${by}: ${options.why}`)
  return EXIT.done
}

const MAPPING_HEAD = ['DAY', 'TENANT', 'DATASET', 'VERSION', 'MAPPING', 'JOBS', 'QUARANTINED', 'ROWS', 'REJECTED']

const mappingRow = (row: Record<string, unknown>): string[] =>
  [
    row.day,
    row.tenantId,
    row.dataset,
    row.mappingVersion,
    String(row.mappingHash).slice(0, 12),
    row.jobs,
    row.quarantinedJobs,
    row.inputRows,
    row.rejectedRows,
  ].map(String)

/** `sluice quarantine mappings`: errors by mapping and day. */
export async function quarantineMappings(
  { output, state, directory, environment }: Invocation,
  options: FilterOptions,
): Promise<ExitCode> {
  const { tenantId, dataset, since, until } = parseFilter(options)
  const lambda = await lambdaClient(connectionOf(state, directory, environment))
  const answer = await invokeMetadata(lambda, { operation: 'listMappingErrors', tenantId, dataset, since, until })
  const rows = isJsonObject(answer) && Array.isArray(answer.mappings) ? answer.mappings.filter(isJsonObject) : []
  output.result(rows, () =>
    rows.length === 0
      ? 'no job used a mapping'
      : columns(
          [MAPPING_HEAD, ...rows.map(mappingRow)],
          MAPPING_HEAD.map((_, index) => (index < 5 ? 'left' : 'right')),
        ),
  )
  return EXIT.done
}
