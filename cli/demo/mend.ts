import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { S3Client } from '@aws-sdk/client-s3'
import type { SFNClient } from '@aws-sdk/client-sfn'
import type { Mapping } from '../../core/mapping.ts'
import { manifestKeyOf } from '../../replay/manifest.ts'
import { type Release, releaseManifest } from '../../replay/release-manifest.ts'
import type { ReplayReport, ReportLine } from '../../replay/report.ts'
import { invokeMetadata } from '../deployment.ts'
import { CommandError, EXIT } from '../output.ts'
import { showRecords } from '../quarantine-client.ts'
import { awaitResult, dropManifest } from '../replay-client.ts'
import { columns } from '../table.ts'

/** A quarantined file that was mended by a change of its mapping and released. */
export interface Mended {
  readonly jobId: string
  /** Whether a replay could help, before the mapping was changed and after. */
  readonly advice: { readonly before: string; readonly after: string }
  readonly dryRun: ReplayReport
  readonly run: ReplayReport
  /** How its quarantine record was closed. */
  readonly record: { readonly state: string; readonly closingJobId: string | null }
  /** The file was loaded, as its dry run had said, and waits no more. */
  readonly asExpected: boolean
}

export interface MendDeps {
  readonly lambda: LambdaClient
  readonly s3: S3Client
  readonly states: SFNClient
}

/** The tenant's mapping file with another source column for a target, as its next version. */
export function mendedMapping(directory: string, mapping: Mapping, from: string, to: string): string {
  const file = join(directory, 'contracts', 'mappings', `${mapping.tenantId}.${mapping.dataset}.yaml`)
  const text = readFileSync(file, 'utf8')
  const mended = text
    .replace(/^version: \d+$/m, `version: ${mapping.version + 1}`)
    .replace(new RegExp(`source: ${from}(?=[,\\s])`), `source: ${to}`)
  if (mended !== text && mended.includes(`source: ${to}`)) return mended
  throw new CommandError(EXIT.wrongUse, 'demo_files_missing', `The demo cannot mend ${file}: it has no source ${from}`)
}

const lineOf = ({ lines }: ReplayReport): ReportLine | null => lines[0] ?? null

/** Every member that the plan decides. */
const planned = (line: ReportLine | null) =>
  JSON.stringify([line?.source, line?.jobId, line?.decision, line?.attempt, line?.configurationHash])

async function replay(deps: MendDeps, release: Release): Promise<ReplayReport> {
  const { replayId, text } = releaseManifest(release)
  const dropped = await dropManifest(deps, manifestKeyOf(replayId), text)
  return awaitResult(deps, dropped, replayId, () => undefined)
}

/** Changes the mapping, asks for a dry run, and releases the file; the dry run's line is held against the run's. */
export async function mend(deps: MendDeps, jobId: string, mappingText: string): Promise<Mended> {
  const before = await showRecords(deps.lambda, jobId)
  await invokeMetadata(deps.lambda, { operation: 'putMapping', mapping: mappingText })
  const after = await showRecords(deps.lambda, jobId)
  const release: Release = {
    jobs: [before.latest],
    reason: 'The mapping reads the renamed column',
    requestedBy: 'demo',
    configuration: 'current',
    dryRun: true,
    acceptRejects: false,
    overrideGate: [],
    confirm: null,
  }
  const dryRun = await replay(deps, release)
  const run = await replay(deps, { ...release, dryRun: false })
  const { latest } = await showRecords(deps.lambda, jobId)
  const loaded = lineOf(run)?.outcome === 'COMPLETED' && latest.state === 'released'
  const asPlanned = lineOf(dryRun)?.decision === 'RUN' && planned(lineOf(dryRun)) === planned(lineOf(run))
  return {
    jobId,
    advice: { before: before.remedy.advice, after: after.remedy.advice },
    dryRun,
    run,
    record: { state: latest.state, closingJobId: latest.closingJobId },
    asExpected: loaded && asPlanned,
  }
}

const reportRow = (name: string, report: ReplayReport): string[] => {
  const line = lineOf(report)
  const counts = line?.counts ?? null
  const loaded =
    counts === null
      ? (line?.why ?? '')
      : ['inserted', 'updated', 'unchanged', 'stale'].map((kind) => `${counts[kind] ?? 0} ${kind}`).join(', ')
  return [name, line?.outcome ?? line?.decision ?? report.status, line?.jobId ?? '', loaded]
}

/** What happened to the mended file, for people. */
export const printMended = ({ jobId, advice, dryRun, run, record }: Mended): string =>
  [
    `A column of a file was renamed; its job ${jobId} waits in quarantine. ${advice.before}.`,
    `The mapping is mended. ${advice.after}.`,
    columns(
      [['', 'OUTCOME', 'JOB', 'WHY'], reportRow('dry run', dryRun), reportRow('run', run)],
      ['left', 'left', 'left', 'left'],
    ),
    `The record in quarantine is ${record.state}, by job ${record.closingJobId ?? ''}.`,
  ].join('\n')
