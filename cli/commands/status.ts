import { GetJobsCommand, GlueClient, ListDataQualityRulesetsCommand } from '@aws-sdk/client-glue'
import { ListFunctionsCommand } from '@aws-sdk/client-lambda'
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'
import {
  ListExecutionsCommand,
  ListStateMachinesCommand,
  ListStateMachineVersionsCommand,
  SFNClient,
} from '@aws-sdk/client-sfn'
import { clientSettings, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import { EXIT, type ExitCode } from '../output.ts'
import { connectionOf, findRuntime, stateDirectoryOf } from '../session.ts'
import { type Route, routesOf, versionOf } from '../smoke/machine-versions.ts'

interface MachineStatus {
  readonly name: string
  readonly type: string
  readonly versions: number[]
  /** Where new executions go. */
  readonly live: readonly Route[]
  readonly running: number
}

async function machineStatus(states: SFNClient): Promise<MachineStatus[]> {
  const { stateMachines = [] } = await states.send(new ListStateMachinesCommand({}))
  return Promise.all(
    stateMachines.map(async ({ name = '', type = 'STANDARD', stateMachineArn }) => {
      const { stateMachineVersions = [] } = await states.send(new ListStateMachineVersionsCommand({ stateMachineArn }))
      const running =
        type === 'EXPRESS'
          ? []
          : ((
              await states.send(
                new ListExecutionsCommand({ stateMachineArn, statusFilter: 'RUNNING', maxResults: 1000 }),
              )
            ).executions ?? [])
      const versions = stateMachineVersions
        .map((version) => versionOf(version.stateMachineVersionArn))
        .sort((a, b) => a - b)
      const live = await routesOf(states, stateMachineArn ?? '')
      return { name, type, versions, live, running: running.length }
    }),
  )
}

/** Operations that the runtime implements; AWS is not asked for its own. */
function operationsOf(
  stateDirectory: string,
  endpoint: string | undefined,
): { operations?: Readonly<Record<string, readonly string[]>> } {
  const runtime = findRuntime(stateDirectory)
  return runtime === null || runtime.endpoint !== endpoint ? {} : { operations: runtime.operations }
}

/** `sluice status`: what is deployed, what is running. */
export async function status({ output, state, directory, environment }: Invocation): Promise<ExitCode> {
  const connection = connectionOf(state, directory, environment)
  const settings = clientSettings(connection)
  const glue = new GlueClient(settings)
  const [buckets, machines, functions, jobs, rulesets] = await Promise.all([
    new S3Client({ ...settings, forcePathStyle: true }).send(new ListBucketsCommand({})),
    machineStatus(new SFNClient(settings)),
    (await lambdaClient(connection)).send(new ListFunctionsCommand({})),
    glue.send(new GetJobsCommand({})),
    glue.send(new ListDataQualityRulesetsCommand({})),
  ])
  const document = {
    endpoint: connection.endpoint ?? null,
    region: connection.region,
    buckets: (buckets.Buckets ?? []).map((bucket) => bucket.Name ?? ''),
    machines,
    functions: (functions.Functions ?? []).map((lambda) => lambda.FunctionName ?? ''),
    glueJobs: (jobs.Jobs ?? []).map((job) => job.Name ?? ''),
    rulesets: (rulesets.Rulesets ?? []).map((ruleset) => ruleset.Name ?? ''),
    ...operationsOf(stateDirectoryOf(state, directory), connection.endpoint),
  }
  output.result(document, () =>
    [
      `${document.endpoint ?? 'AWS'} (${document.region})`,
      `buckets    ${document.buckets.join(', ')}`,
      ...machines.map(
        ({ name, type, versions, live, running }) =>
          `machine    ${name} (${type}, versions ${versions.join(', ') || 'none'}, live ${live.map((route) => (route.weight === 100 ? route.version : `${route.version} by ${route.weight}%`)).join(' and ') || 'none'}), ${running} running`,
      ),
      `functions  ${document.functions.join(', ')}`,
      `Glue jobs  ${document.glueJobs.join(', ')}`,
      `rulesets   ${document.rulesets.join(', ')}`,
    ].join('\n'),
  )
  return EXIT.done
}
