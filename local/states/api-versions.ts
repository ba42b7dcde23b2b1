import type { Input } from '../input.ts'
import { AwsError, type Operation } from '../service.ts'
import { type Api, maxResults, on, operation, page, parsePageToken, present } from './api.ts'
import { parseMachineArn } from './arns.ts'
import { inTransaction } from './in-transaction.ts'
import { activeMachineOf } from './known-machine.ts'
import { type AliasRecord, type AliasRoute, aliasArnOf, type MachineRecord, versionArnOf } from './machine-store.ts'

/** Operations on versions and aliases. */
export const versionOperations = (api: Api): Readonly<Record<string, Operation>> => ({
  PublishStateMachineVersion: operation(on('PublishStateMachineVersion', 'stateMachineArn'), (input) =>
    publish(api, input),
  ),
  ListStateMachineVersions: operation(on('ListStateMachineVersions', 'stateMachineArn'), async (input) =>
    listVersions(api, input),
  ),
  DeleteStateMachineVersion: operation(on('DeleteStateMachineVersion', 'stateMachineVersionArn'), (input) =>
    deleteVersion(api, input),
  ),
  CreateStateMachineAlias: operation(aliasPermission('CreateStateMachineAlias'), (input) => createAlias(api, input)),
  UpdateStateMachineAlias: operation(on('UpdateStateMachineAlias', 'stateMachineAliasArn'), (input) =>
    updateAlias(api, input),
  ),
  DescribeStateMachineAlias: operation(on('DescribeStateMachineAlias', 'stateMachineAliasArn'), async (input) =>
    describeAlias(aliasOf(api, input.text('stateMachineAliasArn'))),
  ),
  ListStateMachineAliases: operation(on('ListStateMachineAliases', 'stateMachineArn'), async (input) =>
    listAliases(api, input),
  ),
  DeleteStateMachineAlias: operation(on('DeleteStateMachineAlias', 'stateMachineAliasArn'), (input) =>
    deleteAlias(api, input),
  ),
})

/** Publishes the current revision; one that is published already keeps its number. Returns the version's ARN. */
export async function publishVersion(api: Api, record: MachineRecord, description: string | null): Promise<string> {
  const [newest] = api.machines.versionsOf(record.arn)
  if (newest !== undefined && newest.revisionId === record.revisionId) return versionArnOf(newest)
  const version = {
    machineArn: record.arn,
    number: record.lastVersion + 1,
    definition: record.definition,
    definitionText: record.definitionText,
    roleArn: record.roleArn,
    revisionId: record.revisionId,
    description,
    createdAt: api.clock.now().getTime(),
  }
  await api.machines.change(() => {
    inTransaction(api.machines.versions.put([record.arn, version.number], version))
    inTransaction(api.machines.machines.put([record.arn], { ...record, lastVersion: version.number }))
  })
  return versionArnOf(version)
}

async function publish(api: Api, input: Input): Promise<unknown> {
  const { machineArn } = parseMachineArn(input.text('stateMachineArn'))
  const record = activeMachineOf(api, machineArn)
  const revisionId = input.textOr('revisionId', record.revisionId)
  if (revisionId !== record.revisionId)
    throw new AwsError(
      'ConflictException',
      `Failed to publish the State Machine version for revision ${revisionId}. The current State Machine revision is ${record.revisionId}.`,
    )
  const stateMachineVersionArn = await publishVersion(api, record, input.textOr('description', null))
  const number = Number(stateMachineVersionArn.split(':').at(-1))
  const createdAt = api.machines.versions.get([machineArn, number])?.createdAt ?? record.updatedAt
  return { stateMachineVersionArn, creationDate: new Date(createdAt) }
}

function listVersions(api: Api, input: Input): unknown {
  const { machineArn } = parseMachineArn(input.text('stateMachineArn'))
  const after = parsePageToken(input.textOr('nextToken', undefined))
  const rows = api.machines.versions.range([machineArn], { reverse: true, ...(after === undefined ? {} : { after }) })
  const { items, nextToken } = page(rows, maxResults(input), ({ key }) => key)
  return present({
    stateMachineVersions: items.map(({ value }) => ({
      stateMachineVersionArn: versionArnOf(value),
      creationDate: new Date(value.createdAt),
    })),
    nextToken,
  })
}

async function deleteVersion(api: Api, input: Input): Promise<unknown> {
  const arn = input.text('stateMachineVersionArn')
  const { machineArn, qualifier } = parseMachineArn(arn)
  const users = api.machines
    .aliasesOf(machineArn)
    .filter(({ routes }) => routes.some((route) => route.versionArn === arn))
  if (users.length > 0)
    throw new AwsError(
      'ConflictException',
      `Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [${users.map(({ name }) => name).join(', ')}]`,
    )
  await api.machines.versions.remove([machineArn, Number(qualifier)])
  return {}
}

const ALIAS_NAME = /^(?=.*[a-zA-Z_\-.])[a-zA-Z0-9_\-.]{1,80}$/

function aliasPermission(action: string) {
  return (input: Input) => {
    const [first] = input.structures('routingConfiguration')
    const arn = first?.textOr('stateMachineVersionArn', '*') ?? '*'
    return [{ action: `states:${action}`, resource: arn.replace(/:\d+$/, '') }]
  }
}

async function createAlias(api: Api, input: Input): Promise<unknown> {
  const name = input.text('name')
  if (!ALIAS_NAME.test(name)) throw new AwsError('ValidationException', `Invalid alias name: '${name}'`)
  const routes = routesOf(api, input)
  const machineArn = parseMachineArn(routes[0]?.versionArn ?? '').machineArn
  const now = api.clock.now().getTime()
  const alias: AliasRecord = {
    machineArn,
    name,
    description: input.textOr('description', null),
    routes,
    createdAt: now,
    updatedAt: now,
  }
  const known = api.machines.aliases.get([machineArn, name])
  if (known !== undefined) return recreatedAlias(known, alias)
  await api.machines.aliases.put([machineArn, name], alias)
  return { stateMachineAliasArn: aliasArnOf(alias), creationDate: new Date(now) }
}

function recreatedAlias(known: AliasRecord, alias: AliasRecord): unknown {
  const same = JSON.stringify(known.routes) === JSON.stringify(alias.routes) && known.description === alias.description
  if (!same)
    throw new AwsError(
      'ConflictException',
      'Failed to create alias because an alias with the same name and a different routing configuration already exists.',
    )
  return { stateMachineAliasArn: aliasArnOf(known), creationDate: new Date(known.createdAt) }
}

async function updateAlias(api: Api, input: Input): Promise<unknown> {
  const alias = aliasOf(api, input.text('stateMachineAliasArn'))
  const next = {
    ...alias,
    description: input.textOr('description', alias.description),
    routes: input.has('routingConfiguration') ? routesOf(api, input) : alias.routes,
    updatedAt: api.clock.now().getTime(),
  }
  await api.machines.aliases.put([alias.machineArn, alias.name], next)
  return { updateDate: new Date(next.updatedAt) }
}

function routesOf(api: Api, input: Input): readonly AliasRoute[] {
  const routes = input.structures('routingConfiguration').map((route) => ({
    versionArn: route.text('stateMachineVersionArn'),
    weight: route.numberOr('weight', 0),
  }))
  const weights = routes.map(({ weight }) => weight)
  if (routes.length < 1 || routes.length > 2)
    throw new AwsError('ValidationException', 'A routing configuration has one or two versions')
  const wrong = weights.find((weight) => !Number.isInteger(weight) || weight < 0 || weight > 100)
  if (wrong !== undefined)
    throw new AwsError('ValidationException', `A routing weight is an integer between 0 and 100. Received: ${wrong}`)
  if (weights.reduce((sum, weight) => sum + weight, 0) !== 100)
    throw new AwsError(
      'ValidationException',
      `Sum of routing configuration weights must equal 100. Received: [${weights.join(', ')}]`,
    )
  if (new Set(routes.map(({ versionArn }) => versionArn)).size !== routes.length)
    throw new AwsError('ValidationException', 'Routing configuration must contain distinct state machine version ARNs.')
  for (const { versionArn } of routes) checkVersion(api, versionArn)
  return routes
}

function checkVersion(api: Api, arn: string): void {
  const { machineArn, qualifier } = parseMachineArn(arn)
  if (qualifier === null || api.machines.versions.get([machineArn, Number(qualifier)]) === undefined)
    throw new AwsError('ResourceNotFound', `Request references a resource that does not exist: ${arn}`)
}

function aliasOf(api: Api, arn: string): AliasRecord {
  const { machineArn, qualifier } = parseMachineArn(arn)
  const alias = qualifier === null ? undefined : api.machines.aliases.get([machineArn, qualifier])
  if (alias === undefined) throw new AwsError('ResourceNotFound', 'Request references a resource that does not exist.')
  return alias
}

const describeAlias = (alias: AliasRecord): unknown =>
  present({
    stateMachineAliasArn: aliasArnOf(alias),
    name: alias.name,
    description: alias.description,
    routingConfiguration: alias.routes.map(({ versionArn, weight }) => ({
      stateMachineVersionArn: versionArn,
      weight,
    })),
    creationDate: new Date(alias.createdAt),
    updateDate: new Date(alias.updatedAt),
  })

function listAliases(api: Api, input: Input): unknown {
  const { machineArn, qualifier } = parseMachineArn(input.text('stateMachineArn'))
  const arn = input.text('stateMachineArn')
  const after = parsePageToken(input.textOr('nextToken', undefined))
  const rows = [...api.machines.aliases.range([machineArn], after === undefined ? {} : { after })].filter(
    ({ value }) => qualifier === null || value.routes.some(({ versionArn }) => versionArn === arn),
  )
  const { items, nextToken } = page(rows, maxResults(input), ({ key }) => key)
  return present({
    stateMachineAliases: items.map(({ value }) => ({
      stateMachineAliasArn: aliasArnOf(value),
      creationDate: new Date(value.createdAt),
    })),
    nextToken,
  })
}

async function deleteAlias(api: Api, input: Input): Promise<unknown> {
  const { machineArn, name } = aliasOf(api, input.text('stateMachineAliasArn'))
  await api.machines.aliases.remove([machineArn, name])
  return {}
}
