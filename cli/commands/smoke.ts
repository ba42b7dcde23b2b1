import { resolve } from 'node:path'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import { bucketOf, clientSettings, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { connectionOf } from '../session.ts'
import { readSmokeFiles } from '../smoke/files.ts'
import { ingestVersions, type MachineVersions, type Route, shiftLive } from '../smoke/machine-versions.ts'
import { prepareTenant, type SmokeClients, type SmokeOutcome, smokeFile } from '../smoke/run.ts'
import { columns } from '../table.ts'

interface SmokeOptions {
  readonly files: string
  readonly contracts: string
  readonly machineVersion?: string
}

interface PromoteOptions extends SmokeOptions {
  readonly weight: string
}

const wrong = (code: string, message: string): CommandError => new CommandError(EXIT.wrongUse, code, message)

/** @throws CommandError `unknown_version` */
function chosenVersion(text: string, { published }: MachineVersions): number {
  const version = Number(text)
  if (published.includes(version)) return version
  throw wrong('unknown_version', `Machine ingest has no version "${text}": expected one of ${published.join(', ')}`)
}

async function connect({ state, directory, environment }: Invocation): Promise<SmokeClients> {
  const connection = connectionOf(state, directory, environment)
  const settings = clientSettings(connection)
  const lambda = await lambdaClient(connection)
  return {
    lambda,
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    states: new SFNClient(settings),
    rawBucket: await bucketOf(lambda, 'RAW'),
  }
}

async function runFiles(
  clients: SmokeClients,
  { directory, output }: Invocation,
  options: SmokeOptions,
  version: { readonly number: number; readonly arn: string } | null,
): Promise<readonly SmokeOutcome[]> {
  const files = readSmokeFiles(resolve(directory, options.files), resolve(directory, options.contracts))
  await prepareTenant(clients.lambda, files)
  const at = new Date().toISOString()
  const outcomes: SmokeOutcome[] = []
  for (const file of files) {
    output.progress(`smoke ${file.dataset}`)
    outcomes.push(await smokeFile(clients, file, version, at))
  }
  return outcomes
}

const printOutcomes = (outcomes: readonly SmokeOutcome[]): string =>
  columns(
    [
      ['DATASET', 'MACHINE', 'OUTCOME', 'INPUT', 'CURATED', 'JOB', 'WHY'],
      ...outcomes.map(({ dataset, machineVersion, passed, job, why }) => [
        dataset,
        machineVersion === null ? 'live' : `version ${machineVersion}`,
        passed ? 'passed' : 'FAILED',
        String(job?.counts?.input ?? ''),
        String(job?.counts?.curated ?? ''),
        job?.jobId ?? '',
        why ?? '',
      ]),
    ],
    ['left', 'left', 'left', 'right', 'right', 'left', 'left'],
  )

const allPassed = (outcomes: readonly SmokeOutcome[]): boolean => outcomes.every(({ passed }) => passed)

/** `sluice smoke`: a small file of every dataset through the deployed workflow; 1 where one of them did not load whole. */
export async function smoke(invocation: Invocation, options: SmokeOptions): Promise<ExitCode> {
  const clients = await connect(invocation)
  const { machineVersion } = options
  const versions = machineVersion === undefined ? null : await ingestVersions(clients.states)
  const number = versions === null ? null : chosenVersion(machineVersion ?? '', versions)
  const version = versions === null || number === null ? null : { number, arn: `${versions.arn}:${number}` }
  const outcomes = await runFiles(clients, invocation, options, version)
  const passed = allPassed(outcomes)
  invocation.output.result({ passed, outcomes }, () => printOutcomes(outcomes))
  return passed ? EXIT.done : EXIT.no
}

const printRoutes = (routes: readonly Route[]): string =>
  routes.map(({ version, weight }) => `version ${version} (${weight}%)`).join(', ')

function weightOf(text: string): number {
  const weight = Number(text)
  if (/^\d+$/.test(text) && weight >= 1 && weight <= 100) return weight
  throw wrong('invalid_weight', `Cannot use "${text}" as --weight: expected a whole number from 1 to 100`)
}

/** `sluice promote`: shifts `live` of the ingest machine to its newest version, only after the smoke files passed through that version. */
export async function promote(invocation: Invocation, options: PromoteOptions): Promise<ExitCode> {
  const weight = weightOf(options.weight)
  const clients = await connect(invocation)
  const versions = await ingestVersions(clients.states)
  const newest = versions.published.at(-1) ?? 0
  const number = options.machineVersion === undefined ? newest : chosenVersion(options.machineVersion, versions)
  const { output } = invocation
  if (versions.live.some((route) => route.version === number && route.weight === 100)) {
    output.result({ promoted: false, version: number, live: versions.live, outcomes: [] }, () => {
      return `version ${number} is live already`
    })
    return EXIT.done
  }
  const outcomes = await runFiles(clients, invocation, options, { number, arn: `${versions.arn}:${number}` })
  const promoted = allPassed(outcomes)
  const live = promoted ? await shiftLive(clients.states, versions, number, weight) : versions.live
  output.result({ promoted, version: number, live, outcomes }, () =>
    [
      printOutcomes(outcomes),
      '',
      promoted
        ? `live leads to ${printRoutes(live)}`
        : `version ${number} is not promoted; live still leads to ${printRoutes(live)}`,
    ].join('\n'),
  )
  return promoted ? EXIT.done : EXIT.no
}
