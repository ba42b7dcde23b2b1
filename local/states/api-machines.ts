import { digestOfJson } from '../../core/digest.ts'
import type { Json } from '../../core/json.ts'
import type { Input } from '../input.ts'
import { AwsError, type Operation, type Permission } from '../service.ts'
import { type Api, anywhere, maxResults, on, operation, page, parsePageToken, present } from './api.ts'
import { publishVersion } from './api-versions.ts'
import { checkName, parseMachineArn } from './arns.ts'
import { inTransaction } from './in-transaction.ts'
import { activeMachineOf, checkActive, machineOf, noMachine } from './known-machine.ts'
import { type MachineRecord, type VersionRecord, versionArnOf } from './machine-store.ts'
import { variableReferences } from './variable-references.ts'

/** Operations on state machines and their tags. */
export const machineOperations = (api: Api): Readonly<Record<string, Operation>> => ({
  CreateStateMachine: operation(createPermissions(api), (input) => createMachine(api, input)),
  UpdateStateMachine: operation(updatePermissions, (input) => updateMachine(api, input)),
  DeleteStateMachine: operation(on('DeleteStateMachine', 'stateMachineArn'), (input) => deleteMachine(api, input)),
  DescribeStateMachine: operation(on('DescribeStateMachine', 'stateMachineArn'), async (input) =>
    describeMachine(api, input.text('stateMachineArn'), input.textOr('includedData', 'ALL_DATA')),
  ),
  DescribeStateMachineForExecution: operation(on('DescribeStateMachineForExecution', 'executionArn'), async (input) =>
    describeForExecution(api, input.text('executionArn'), input.textOr('includedData', 'ALL_DATA')),
  ),
  ListStateMachines: operation(anywhere('ListStateMachines'), async (input) => listMachines(api, input)),
  ValidateStateMachineDefinition: operation(anywhere('ValidateStateMachineDefinition'), (input) =>
    validateDefinition(api, input),
  ),
  TagResource: operation(on('TagResource', 'resourceArn'), (input) => tag(api, input)),
  UntagResource: operation(on('UntagResource', 'resourceArn'), (input) => untag(api, input)),
  ListTagsForResource: operation(on('ListTagsForResource', 'resourceArn'), async (input) => ({
    tags: Object.entries(machineOf(api, input.text('resourceArn')).tags).map(([key, value]) => ({ key, value })),
  })),
})

const machineArn = ({ region, accountId }: Api, name: string): string =>
  `arn:aws:states:${region}:${accountId}:stateMachine:${name}`

const passRole = (roleArn: string): Permission => ({
  action: 'iam:PassRole',
  resource: roleArn,
  context: { 'iam:PassedToService': 'states.amazonaws.com' },
})

const createPermissions = (api: Api) => (input: Input) => [
  { action: 'states:CreateStateMachine', resource: machineArn(api, input.textOr('name', '*')) },
  passRole(input.textOr('roleArn', '*')),
]

const updatePermissions = (input: Input) => {
  const roleArn = input.textOr('roleArn', null)
  return [...on('UpdateStateMachine', 'stateMachineArn')(input), ...(roleArn === null ? [] : [passRole(roleArn)])]
}

async function createMachine(api: Api, input: Input): Promise<unknown> {
  const name = checkName(input.text('name'))
  checkVersionDescription(input)
  const arn = machineArn(api, name)
  const type = machineType(input)
  const { json, hash } = await api.definitions.check(input.text('definition'), type)
  const known = api.machines.machines.get([arn])
  if (known !== undefined) return recreated(api, input, known, hash)
  const now = api.clock.now().getTime()
  const record: MachineRecord = {
    arn,
    name,
    type,
    definition: hash,
    definitionText: input.text('definition'),
    roleArn: input.text('roleArn'),
    revisionId: api.chance.uuid(),
    createdAt: now,
    updatedAt: now,
    lastVersion: 0,
    loggingConfiguration: (input.members.loggingConfiguration ?? { level: 'OFF', includeExecutionData: false }) as Json,
    tracingConfiguration: (input.members.tracingConfiguration ?? { enabled: false }) as Json,
    tags: boundedTags(arn, tagsOf(input)),
  }
  await save(api, record, json)
  return created(api, input, record)
}

/** The same definition and role again is no fault. */
async function recreated(api: Api, input: Input, known: MachineRecord, hash: string): Promise<unknown> {
  checkActive(known)
  if (known.definition === hash && known.roleArn === input.text('roleArn') && known.type === machineType(input))
    return created(api, input, known)
  throw new AwsError('StateMachineAlreadyExists', `State Machine Already Exists: '${known.arn}'`)
}

async function created(api: Api, input: Input, record: MachineRecord): Promise<unknown> {
  const version = input.booleanOr('publish', false)
    ? await publishVersion(api, record, input.textOr('versionDescription', null))
    : null
  return present({
    stateMachineArn: record.arn,
    creationDate: new Date(record.createdAt),
    stateMachineVersionArn: version,
  })
}

/** `definition`: `null` for the one that is on disk already. */
async function save(api: Api, record: MachineRecord, definition: Json | null): Promise<void> {
  await api.machines.change(() => {
    if (definition !== null) api.machines.saveDefinition(definition)
    inTransaction(api.machines.machines.put([record.arn], record))
  })
}

function machineType(input: Input): 'STANDARD' | 'EXPRESS' {
  const type = input.textOr('type', 'STANDARD')
  if (type === 'STANDARD' || type === 'EXPRESS') return type
  throw new AwsError('ValidationException', `Value '${type}' at 'type' must be one of STANDARD, EXPRESS`)
}

const MAX_TAGS = 50

const tagsOf = (input: Input): Record<string, string> =>
  Object.fromEntries(input.structures('tags').map((entry) => [entry.text('key'), entry.textOr('value', '')]))

/** @throws AwsError TooManyTags */
function boundedTags(arn: string, tags: Record<string, string>): Record<string, string> {
  if (Object.keys(tags).length <= MAX_TAGS) return tags
  throw new AwsError('TooManyTags', `Too many tags: a resource has at most ${MAX_TAGS}`, 400, { resourceName: arn })
}

const UPDATABLE = ['definition', 'roleArn', 'loggingConfiguration', 'tracingConfiguration', 'encryptionConfiguration']

/** @throws AwsError ValidationException */
function checkVersionDescription(input: Input): void {
  if (input.has('versionDescription') && !input.booleanOr('publish', false))
    throw new AwsError('ValidationException', 'Version description can only be set when publish is true')
}

async function updateMachine(api: Api, input: Input): Promise<unknown> {
  const record = activeMachineOf(api, input.text('stateMachineArn'))
  if (!UPDATABLE.some((member) => input.has(member)))
    throw new AwsError(
      'MissingRequiredParameter',
      'Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified',
    )
  checkVersionDescription(input)
  const text = input.textOr('definition', record.definitionText)
  const checked = text === record.definitionText ? null : await api.definitions.check(text, record.type)
  const next = revised(api, input, record, checked?.hash ?? record.definition)
  if (next !== record) await save(api, next, checked?.json ?? null)
  const version = input.booleanOr('publish', false)
    ? await publishVersion(api, next, input.textOr('versionDescription', null))
    : null
  return present({
    updateDate: new Date(next.updatedAt),
    revisionId: next.revisionId,
    stateMachineVersionArn: version,
  })
}

/** The machine with what the input changes of it; the same object when that is nothing. */
function revised(api: Api, input: Input, record: MachineRecord, definition: string): MachineRecord {
  const definitionText = input.textOr('definition', record.definitionText)
  const roleArn = input.textOr('roleArn', record.roleArn)
  const loggingConfiguration = (input.members.loggingConfiguration ?? record.loggingConfiguration) as Json
  const tracingConfiguration = (input.members.tracingConfiguration ?? record.tracingConfiguration) as Json
  const configured = digestOfJson([loggingConfiguration, tracingConfiguration])
  const known = digestOfJson([record.loggingConfiguration, record.tracingConfiguration])
  if (definitionText === record.definitionText && roleArn === record.roleArn && configured === known) return record
  const newRevision = definition !== record.definition || roleArn !== record.roleArn
  return {
    ...record,
    definition,
    definitionText,
    roleArn,
    loggingConfiguration,
    tracingConfiguration,
    revisionId: newRevision ? api.chance.uuid() : record.revisionId,
    updatedAt: api.clock.now().getTime(),
  }
}

/** Versions and aliases go at once, the machine with the last of its executions. */
async function deleteMachine(api: Api, input: Input): Promise<unknown> {
  const { machineArn: arn, qualifier } = parseMachineArn(input.text('stateMachineArn'))
  if (qualifier !== null)
    throw new AwsError('ValidationException', `A state machine is deleted by its unqualified ARN: '${arn}'`)
  const record = api.machines.machines.get([arn])
  await api.machines.change(() => {
    for (const { number } of api.machines.versionsOf(arn)) inTransaction(api.machines.versions.remove([arn, number]))
    for (const { name } of api.machines.aliasesOf(arn)) inTransaction(api.machines.aliases.remove([arn, name]))
    if (record !== undefined && api.engine.runs(arn))
      inTransaction(api.machines.machines.put([arn], { ...record, deleting: true }))
    else inTransaction(api.machines.machines.remove([arn]))
  })
  api.engine.condemn(arn)
  return {}
}

function describeMachine(api: Api, arn: string, includedData: string): unknown {
  const { machineArn: plain, qualifier } = parseMachineArn(arn)
  const record = machineOf(api, arn)
  const withData = includedData !== 'METADATA_ONLY'
  const common = {
    name: record.name,
    status: record.deleting === true ? 'DELETING' : 'ACTIVE',
    type: record.type,
    loggingConfiguration: record.loggingConfiguration,
    tracingConfiguration: record.tracingConfiguration,
    encryptionConfiguration: { type: 'AWS_OWNED_KEY' },
  }
  if (qualifier === null)
    return present({
      ...common,
      stateMachineArn: plain,
      definition: withData ? record.definitionText : undefined,
      variableReferences: withData ? referencesOf(record.definitionText) : undefined,
      roleArn: record.roleArn,
      creationDate: new Date(record.createdAt),
      revisionId: record.revisionId,
    })
  const version = describedVersion(api, plain, qualifier)
  if (version === undefined) throw noMachine(arn)
  return present({
    ...common,
    stateMachineArn: versionArnOf(version),
    definition: withData ? version.definitionText : undefined,
    variableReferences: withData ? referencesOf(version.definitionText) : undefined,
    roleArn: version.roleArn,
    creationDate: new Date(version.createdAt),
    revisionId: version.revisionId,
    description: version.description,
  })
}

function referencesOf(definitionText: string): Readonly<Record<string, readonly string[]>> | undefined {
  const references = variableReferences(JSON.parse(definitionText) as Json)
  return Object.keys(references).length === 0 ? undefined : references
}

/** The version of a number; of an alias, the one that most of its executions run. */
function describedVersion(api: Api, machineArn: string, qualifier: string): VersionRecord | undefined {
  const routes = api.machines.aliases.get([machineArn, qualifier])?.routes ?? []
  const [heaviest] = routes.toSorted((one, other) => other.weight - one.weight)
  const number = heaviest === undefined ? qualifier : parseMachineArn(heaviest.versionArn).qualifier
  return api.machines.versions.get([machineArn, Number(number)])
}

function describeForExecution(api: Api, executionArn: string, includedData: string): unknown {
  const execution = api.engine.record(executionArn)
  if (execution === undefined)
    throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`)
  const definition = api.machines.definitions.get([execution.definition])
  const machine = api.machines.machines.get([execution.machineArn.split('/')[0] ?? ''])
  return present({
    stateMachineArn: execution.machineArn,
    name: execution.machineName,
    definition: includedData === 'METADATA_ONLY' ? undefined : JSON.stringify(definition ?? null),
    roleArn: execution.roleArn,
    updateDate: new Date(machine?.updatedAt ?? execution.startedAt),
    loggingConfiguration: machine?.loggingConfiguration,
    tracingConfiguration: machine?.tracingConfiguration,
    revisionId: machine?.revisionId,
    mapRunArn: execution.mapRun?.arn,
  })
}

function listMachines(api: Api, input: Input): unknown {
  const after = parsePageToken(input.textOr('nextToken', undefined))
  const rows = api.machines.machines.range([], after === undefined ? {} : { after })
  const { items, nextToken } = page(rows, maxResults(input), ({ key }) => key)
  return present({
    stateMachines: items.map(({ value: { arn, name, type, createdAt } }) => ({
      stateMachineArn: arn,
      name,
      type,
      creationDate: new Date(createdAt),
    })),
    nextToken,
  })
}

const MAX_FINDINGS = 100

async function validateDefinition(api: Api, input: Input): Promise<unknown> {
  const diagnostics = await api.definitions.diagnose(input.text('definition'), machineType(input))
  const failed = diagnostics.some(({ severity }) => severity === 'ERROR')
  const limit = input.numberOr('maxResults', 0) || MAX_FINDINGS
  if (limit < 1 || limit > MAX_FINDINGS)
    throw new AwsError('ValidationException', `Value ${limit} at 'maxResults' must be between 0 and ${MAX_FINDINGS}`)
  const errorsOnly = input.textOr('severity', 'WARNING') === 'ERROR'
  const shown = errorsOnly ? diagnostics.filter(({ severity }) => severity === 'ERROR') : diagnostics
  return {
    result: failed ? 'FAIL' : 'OK',
    diagnostics: shown
      .slice(0, limit)
      .map(({ location, ...found }) => (location === null ? found : { ...found, location })),
    truncated: shown.length > limit,
  }
}

async function tag(api: Api, input: Input): Promise<unknown> {
  const record = machineOf(api, input.text('resourceArn'))
  const next = { ...record, tags: boundedTags(record.arn, { ...record.tags, ...tagsOf(input) }) }
  await api.machines.machines.put([record.arn], next)
  return {}
}

async function untag(api: Api, input: Input): Promise<unknown> {
  const record = machineOf(api, input.text('resourceArn'))
  const keys = new Set(input.list('tagKeys').map(String))
  const tags = Object.fromEntries(Object.entries(record.tags).filter(([key]) => !keys.has(key)))
  await api.machines.machines.put([record.arn], { ...record, tags })
  return {}
}
