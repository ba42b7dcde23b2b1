import type { LambdaClient } from '@aws-sdk/client-lambda'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { QuarantineRecord } from '../../lambdas/metadata/quarantine-list.ts'
import { MAX_SOURCES, manifestKeyOf, type ReplayConfiguration } from '../../replay/manifest.ts'
import type { Release } from '../../replay/release-manifest.ts'
import { bucketOf, clientSettings, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import { confirmed, nextManifest } from '../next-manifest.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { listRecords, showRecords } from '../quarantine-client.ts'
import { type BrokenRule, brokenRules, readEvidence } from '../quarantine-evidence.ts'
import { actorOf, type FilterOptions, parseFilter } from '../quarantine-options.ts'
import { connectionOf } from '../session.ts'

interface ReleaseOptions extends Omit<FilterOptions, 'status'> {
  readonly why: string
  readonly by?: string
  readonly configuration: string
  readonly acceptRejects?: boolean
  readonly overrideGate?: readonly string[]
  readonly dryRun?: boolean
  readonly confirm?: string
  readonly limit: string
}

const FILTERS = ['tenant', 'dataset', 'reason', 'since', 'until'] as const

const wrong = (code: string, message: string, hint?: string): CommandError =>
  new CommandError(EXIT.wrongUse, code, message, hint)

/** The open records of the jobs that are named. @throws CommandError `unknown_job`, `not_quarantined` */
async function recordsNamed(lambda: LambdaClient, jobs: readonly string[]): Promise<readonly QuarantineRecord[]> {
  const records: QuarantineRecord[] = []
  for (const jobId of new Set(jobs)) {
    const { latest } = await showRecords(lambda, jobId)
    if (latest.state !== 'open')
      throw wrong(
        'not_quarantined',
        `Cannot release ${jobId}: its quarantine record is ${latest.state}`,
        'sluice quarantine list',
      )
    records.push(latest)
  }
  return records
}

interface ToRelease {
  readonly records: readonly QuarantineRecord[]
  /** Open records that fit the filter too, beyond the limit. */
  readonly waiting: number
}

function limitOf(text: string): number {
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && limit <= MAX_SOURCES) return limit
  throw wrong('invalid_limit', `Cannot use "${text}" as --limit: expected a whole number from 1 to ${MAX_SOURCES}`)
}

/** @throws CommandError `nothing_to_release`, `ambiguous_release`, `invalid_limit` */
async function recordsToRelease(
  lambda: LambdaClient,
  jobs: readonly string[],
  options: ReleaseOptions,
): Promise<ToRelease> {
  const filtered = FILTERS.some((name) => options[name] !== undefined)
  if (jobs.length > 0 && filtered) throw wrong('ambiguous_release', 'Name jobs or give a filter, not both')
  if (jobs.length > 0) return { records: await recordsNamed(lambda, jobs), waiting: 0 }
  if (!filtered)
    throw wrong('nothing_to_release', 'Say what to release: jobs, or a filter', 'sluice quarantine release --help')
  const filter = parseFilter({ ...options, status: 'open' })
  const { records, total } = await listRecords(lambda, filter, limitOf(options.limit))
  if (records.length === 0)
    throw new CommandError(EXIT.no, 'nothing_to_release', 'Nothing open fits the filter', 'sluice quarantine list')
  return { records, waiting: Math.max(0, total - records.length) }
}

/** The rule's text, as names are counted anew in every ruleset. @throws CommandError `unknown_rule` */
function ruleText(named: string, broken: readonly BrokenRule[]): string {
  const found = broken.find(({ name, rule }) => name === named || rule === named)
  if (found !== undefined) return found.rule ?? found.name
  const known = broken.map(({ name, rule }) => `${name} (${rule})`).join(', ')
  throw wrong(
    'unknown_rule',
    `No rule "${named}" stopped this file`,
    known === '' ? 'No rule did' : `Those were: ${known}`,
  )
}

/** Of one file the rules are known that stopped it; of many, what is given stands for itself. */
async function overriddenRules(
  lambda: LambdaClient,
  s3: S3Client,
  records: readonly QuarantineRecord[],
  given: readonly string[],
): Promise<readonly string[]> {
  const [only, ...others] = records
  if (given.length === 0 || only === undefined || others.length > 0) return [...new Set(given)]
  const { manifest } = await readEvidence(lambda, s3, only)
  const broken = brokenRules(manifest)
  return [...new Set(given.map((named) => ruleText(named, broken)))]
}

function configurationOf(text: string): ReplayConfiguration {
  if (text === 'current' || text === 'original') return text
  throw wrong('invalid_configuration', `Cannot use "${text}" as --configuration: expected current or original`)
}

function printRelease({ jobs, dryRun }: Release, replayId: string, manifest: string, waiting: number): string {
  const files = jobs.length === 1 ? '1 file' : `${jobs.length} files`
  const are = jobs.length === 1 ? 'is' : 'are'
  return [
    dryRun
      ? `${files} would run again; replay ${replayId} is a dry run`
      : `${files} ${are} to run again by replay ${replayId}`,
    `  ${manifest}`,
    ...(waiting === 0
      ? []
      : [`${waiting} more wait: the newest ${jobs.length} are in this manifest, release the others after it`]),
    `Follow it with: sluice replay status ${replayId}`,
  ].join('\n')
}

/** `sluice quarantine release`: writes a manifest into the replay bucket, which starts the replay, and nothing else. */
export async function quarantineRelease(
  { output, state, directory, environment }: Invocation,
  jobs: readonly string[],
  options: ReleaseOptions,
): Promise<ExitCode> {
  const configuration = configurationOf(options.configuration)
  const connection = connectionOf(state, directory, environment)
  const lambda = await lambdaClient(connection)
  const s3 = new S3Client({ ...clientSettings(connection), forcePathStyle: true })
  const { records, waiting } = await recordsToRelease(lambda, jobs, options)
  const release = confirmed(
    {
      jobs: records,
      reason: options.why,
      requestedBy: actorOf(options.by),
      configuration,
      dryRun: options.dryRun === true,
      acceptRejects: options.acceptRejects === true,
      overrideGate: await overriddenRules(lambda, s3, records, options.overrideGate ?? []),
    },
    options.confirm,
  )
  const { replayId, text } = await nextManifest(lambda, release, 'release')
  const bucket = await bucketOf(lambda, 'REPLAY')
  const key = manifestKeyOf(replayId)
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: text, ContentType: 'application/json' }))
  const manifest = `s3://${bucket}/${key}`
  output.result({ replayId, manifest, dryRun: release.dryRun, jobs: records.map(({ jobId }) => jobId), waiting }, () =>
    printRelease(release, replayId, manifest, waiting),
  )
  return EXIT.done
}
