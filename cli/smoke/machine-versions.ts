import {
  DescribeStateMachineAliasCommand,
  ListStateMachineVersionsCommand,
  type SFNClient,
  UpdateStateMachineAliasCommand,
} from '@aws-sdk/client-sfn'
import { stateMachines } from '../executions/read.ts'
import { CommandError, EXIT } from '../output.ts'

/** A version of a machine and the share of new executions it gets, in percent. */
export interface Route {
  readonly version: number
  readonly weight: number
}

/** The ingest machine: what is published, and where its alias `live` leads. */
export interface MachineVersions {
  readonly arn: string
  /** Ascending. */
  readonly published: readonly number[]
  readonly live: readonly Route[]
}

export const versionOf = (arn: string | undefined): number => Number(arn?.split(':').at(-1))

/** Where an alias of a machine leads; empty where there is no such alias. */
export async function routesOf(states: SFNClient, machineArn: string, alias = 'live'): Promise<readonly Route[]> {
  try {
    const { routingConfiguration = [] } = await states.send(
      new DescribeStateMachineAliasCommand({ stateMachineAliasArn: `${machineArn}:${alias}` }),
    )
    return routingConfiguration.map(({ stateMachineVersionArn, weight = 0 }) => ({
      version: versionOf(stateMachineVersionArn),
      weight,
    }))
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === 'ResourceNotFound') return []
    throw thrown
  }
}

/** @throws CommandError `not_deployed` */
export async function ingestVersions(states: SFNClient): Promise<MachineVersions> {
  const arn = (await stateMachines(states)).find(({ name }) => name === 'ingest')?.stateMachineArn
  const live = arn === undefined ? [] : await routesOf(states, arn)
  if (arn === undefined || live.length === 0)
    throw new CommandError(
      EXIT.impossible,
      'not_deployed',
      'State machine ingest has no alias live',
      'Deploy Sluice first, see docs/deploy.md',
    )
  const { stateMachineVersions = [] } = await states.send(
    new ListStateMachineVersionsCommand({ stateMachineArn: arn, maxResults: 1000 }),
  )
  const published = stateMachineVersions
    .map(({ stateMachineVersionArn }) => versionOf(stateMachineVersionArn))
    .sort((one, other) => one - other)
  return { arn, published, live }
}

/** Lets `live` lead to a version: to it alone, or to it by a share and to the version that had most before by the rest. */
export async function shiftLive(
  states: SFNClient,
  { arn, live }: MachineVersions,
  version: number,
  weight: number,
): Promise<readonly Route[]> {
  const [before] = live.filter((route) => route.version !== version).toSorted((one, other) => other.weight - one.weight)
  const routes: readonly Route[] =
    weight === 100 || before === undefined
      ? [{ version, weight: 100 }]
      : [
          { version, weight },
          { version: before.version, weight: 100 - weight },
        ]
  await states.send(
    new UpdateStateMachineAliasCommand({
      stateMachineAliasArn: `${arn}:live`,
      routingConfiguration: routes.map((route) => ({
        stateMachineVersionArn: `${arn}:${route.version}`,
        weight: route.weight,
      })),
    }),
  )
  return routes
}
