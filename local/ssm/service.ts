/** SSM parameters: those of the template, and those that clients put. */
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Clock, type Operation, type Permission, type Service, type Store } from '../service.ts'

export interface SsmOptions {
  readonly store: Store
  readonly clock: Clock
  readonly accountId: string
  readonly region: string
}

/** A parameter as the template declares it. */
export interface ParameterSettings {
  readonly name: string
  readonly value: string
  readonly type: 'String' | 'StringList'
}

export interface SsmService extends Service {
  /** Makes a parameter or brings it to this value: a new version where it differs. */
  provisionParameter(settings: ParameterSettings): Promise<void>
}

interface ParameterVersion {
  readonly name: string
  readonly type: 'String' | 'StringList' | 'SecureString'
  readonly value: string
  readonly version: number
  readonly description: string
  readonly keyId: string | null
  readonly modifiedAtMillis: number
  readonly modifiedBy: string
}

interface SsmContext extends SsmOptions {
  /** The current version by name. */
  current(name: string): ParameterVersion | undefined
  versions(name: string): readonly ParameterVersion[]
  all(): readonly ParameterVersion[]
  put(version: ParameterVersion): Promise<void>
  remove(name: string): Promise<void>
}

export function createSsmService(options: SsmOptions): SsmService {
  const kept = options.store.collection<ParameterVersion>('ssm.parameters')
  const versions = (name: string): ParameterVersion[] => [...kept.range([name])].map(({ value }) => value)
  const context: SsmContext = {
    ...options,
    versions,
    current: (name) => versions(name).at(-1),
    all: () => [...new Map([...kept.range([])].map(({ value }) => [value.name, value])).values()],
    put: (version) => kept.put([version.name, version.version], version),
    remove: (name) =>
      options.store.transaction(() => {
        for (const { version } of versions(name)) void kept.remove([name, version])
      }),
  }
  return {
    id: 'ssm',
    operations: { ...readOperations(context), ...writeOperations(context) },
    provisionParameter: async ({ name, value, type }) => {
      const former = context.current(name)
      if (former?.value === value && former.type === type) return
      const modifiedAtMillis = options.clock.now().getTime()
      const version = (former?.version ?? 0) + 1
      const modifiedBy = 'cloudformation.amazonaws.com'
      await context.put({ name, type, value, version, description: '', keyId: null, modifiedAtMillis, modifiedBy })
    },
  }
}

const arnOf = ({ region, accountId }: SsmOptions, name: string): string =>
  `arn:aws:ssm:${region}:${accountId}:parameter${name.startsWith('/') ? '' : '/'}${name}`

/** A name, with a version after a colon or an ARN before it. */
function selectorOf(text: string): { readonly name: string; readonly version: number | null } {
  const local = text.startsWith('arn:') ? text.replace(/^arn:[^/]*parameter/, '') : text
  const [name = '', version] = local.split(':')
  return { name, version: version === undefined ? null : Number(version) }
}

const notFound = (name: string): AwsError => new AwsError('ParameterNotFound', `Parameter ${name} not found.`)

function find(context: SsmContext, text: string): ParameterVersion | undefined {
  const { name, version } = selectorOf(text)
  const found = context.current(name) ?? context.current(name.replace(/^\//, ''))
  if (found === undefined || version === null) return found
  const old = context.versions(found.name).find((one) => one.version === version)
  if (old !== undefined) return old
  throw new AwsError('ParameterVersionNotFound', `Systems Manager could not find version ${version} of ${name}.`)
}

/** Secure values are shown to who asks for them; here they are kept as everything else in the state folder is. */
const parameterOf = (context: SsmContext, found: ParameterVersion, input: Input): Record<string, unknown> => ({
  Name: found.name,
  Type: found.type,
  Value: found.type === 'SecureString' && !input.booleanOr('WithDecryption', false) ? masked(found.value) : found.value,
  Version: found.version,
  LastModifiedDate: new Date(found.modifiedAtMillis),
  ARN: arnOf(context, found.name),
  DataType: 'text',
})

const masked = (value: string): string => Buffer.from(`sluice:${value.length}`).toString('base64')

const described = (context: SsmContext, found: ParameterVersion): Record<string, unknown> => ({
  Name: found.name,
  ARN: arnOf(context, found.name),
  Type: found.type,
  ...(found.keyId === null ? {} : { KeyId: found.keyId }),
  LastModifiedDate: new Date(found.modifiedAtMillis),
  LastModifiedUser: found.modifiedBy,
  ...(found.description === '' ? {} : { Description: found.description }),
  Version: found.version,
  Tier: 'Standard',
  Policies: [],
  DataType: 'text',
})

const allowed = (context: SsmContext, action: string, names: readonly string[]): Permission[] =>
  names.map((name) => ({ action: `ssm:${action}`, resource: arnOf(context, selectorOf(name).name) }))

const MAX_NAMES = 10
const paging = (size: number) => ({ size, invalidToken: 'InvalidNextToken' })
const nextOf = (next: string | undefined): { NextToken?: string } => (next === undefined ? {} : { NextToken: next })

function namesOf(input: Input): readonly string[] {
  const names = input.list('Names').map(String)
  if (names.length > 0 && names.length <= MAX_NAMES) return names
  throw new AwsError('ValidationException', `Names must have 1 to ${MAX_NAMES} entries, found ${names.length}`)
}

function readOperations(context: SsmContext): Record<string, Operation> {
  return {
    GetParameter: {
      permissions: (raw) => allowed(context, 'GetParameter', [readInput(raw).text('Name')]),
      run: async (raw) => {
        const input = readInput(raw)
        const found = find(context, input.text('Name'))
        if (found === undefined) throw notFound(input.text('Name'))
        return { Parameter: parameterOf(context, found, input) }
      },
    },
    GetParameters: {
      permissions: (raw) => allowed(context, 'GetParameters', namesOf(readInput(raw))),
      run: async (raw) => {
        const input = readInput(raw)
        const found = namesOf(input).map((name) => ({ name, parameter: find(context, name) }))
        return {
          Parameters: found.flatMap(({ parameter }) =>
            parameter === undefined ? [] : [parameterOf(context, parameter, input)],
          ),
          InvalidParameters: found.filter(({ parameter }) => parameter === undefined).map(({ name }) => name),
        }
      },
    },
    GetParametersByPath: {
      permissions: (raw) => allowed(context, 'GetParametersByPath', [readInput(raw).text('Path')]),
      run: async (raw) => {
        const input = readInput(raw)
        const path = `${input.text('Path').replace(/\/$/, '')}/`
        const isRecursive = input.booleanOr('Recursive', false)
        const below = context.all().filter(({ name }) => {
          return name.startsWith(path) && (isRecursive || !name.slice(path.length).includes('/'))
        })
        const { page, next } = pageOf(below, input, paging(10))
        return { Parameters: page.map((found) => parameterOf(context, found, input)), ...nextOf(next) }
      },
    },
    GetParameterHistory: {
      permissions: (raw) => allowed(context, 'GetParameterHistory', [readInput(raw).text('Name')]),
      run: async (raw) => {
        const input = readInput(raw)
        const found = find(context, input.text('Name'))
        if (found === undefined) throw notFound(input.text('Name'))
        const { page, next } = pageOf(context.versions(found.name), input, paging(50))
        const entries = page.map((version) => ({
          ...described(context, version),
          Value: parameterOf(context, version, input).Value,
          Labels: [],
        }))
        return { Parameters: entries, ...nextOf(next) }
      },
    },
    DescribeParameters: {
      permissions: () => [{ action: 'ssm:DescribeParameters', resource: '*' }],
      run: async (raw) => {
        const input = readInput(raw)
        const accepts = input.structures('ParameterFilters').map(filterOf)
        const wanted = context.all().filter((found) => accepts.every((accept) => accept(found)))
        const { page, next } = pageOf(wanted, input, paging(50))
        return { Parameters: page.map((found) => described(context, found)), ...nextOf(next) }
      },
    },
  }
}

/** @throws AwsError `InvalidFilterKey`, `InvalidFilterOption` */
function filterOf(filter: Input): (found: ParameterVersion) => boolean {
  const key = filter.text('Key')
  const values = filter.list('Values').map(String)
  const option = filter.textOr('Option', key === 'Path' ? 'OneLevel' : 'Equals')
  if (key === 'Type') return ({ type }) => values.includes(type)
  if (key === 'Path')
    return ({ name }) =>
      values.some((path) => {
        const rest = name.startsWith(`${path.replace(/\/$/, '')}/`)
          ? name.slice(path.replace(/\/$/, '').length + 1)
          : null
        return rest !== null && (option === 'Recursive' || !rest.includes('/'))
      })
  if (key !== 'Name') throw new AwsError('InvalidFilterKey', `The filter key ${key} is not one of Name, Path, Type.`)
  if (option === 'Equals') return ({ name }) => values.includes(name)
  if (option === 'BeginsWith') return ({ name }) => values.some((value) => name.startsWith(value))
  if (option === 'Contains') return ({ name }) => values.some((value) => name.includes(value))
  throw new AwsError('InvalidFilterOption', `The filter option ${option} is not valid for ${key}.`)
}

const NAME = /^[a-zA-Z0-9_.\-/]{1,1011}$/
const MAX_VALUE_BYTES = 8192

function writeOperations(context: SsmContext): Record<string, Operation> {
  return {
    PutParameter: {
      permissions: (raw) => allowed(context, 'PutParameter', [readInput(raw).text('Name')]),
      run: async (raw, { caller }) => {
        const input = readInput(raw)
        const made = versionOf(context, input, caller.principalArn)
        await context.put(made)
        return { Version: made.version, Tier: 'Standard' }
      },
    },
    DeleteParameter: {
      permissions: (raw) => allowed(context, 'DeleteParameter', [readInput(raw).text('Name')]),
      run: async (raw) => {
        const found = find(context, readInput(raw).text('Name'))
        if (found === undefined) throw notFound(readInput(raw).text('Name'))
        await context.remove(found.name)
        return {}
      },
    },
    DeleteParameters: {
      permissions: (raw) => allowed(context, 'DeleteParameters', namesOf(readInput(raw))),
      run: async (raw) => {
        const names = namesOf(readInput(raw))
        const there = names.filter((name) => find(context, name) !== undefined)
        for (const name of there) await context.remove(selectorOf(name).name)
        return { DeletedParameters: there, InvalidParameters: names.filter((name) => !there.includes(name)) }
      },
    },
  }
}

/** @throws AwsError `ParameterAlreadyExists`, `ValidationException` */
function versionOf(context: SsmContext, input: Input, modifiedBy: string): ParameterVersion {
  const name = input.text('Name')
  const value = input.text('Value')
  const former = context.current(name)
  if (!NAME.test(name)) throw new AwsError('ValidationException', `Parameter name: "${name}" can't be used.`)
  if (value === '' || Buffer.byteLength(value) > MAX_VALUE_BYTES)
    throw new AwsError('ValidationException', `A parameter's value has 1 to ${MAX_VALUE_BYTES} bytes.`)
  if (former !== undefined && !input.booleanOr('Overwrite', false))
    throw new AwsError(
      'ParameterAlreadyExists',
      'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
    )
  return {
    name,
    value,
    type: typeOf(input.textOr('Type', former?.type ?? null)),
    version: (former?.version ?? 0) + 1,
    description: input.textOr('Description', former?.description ?? ''),
    keyId: input.textOr('KeyId', former?.keyId ?? null),
    modifiedAtMillis: context.clock.now().getTime(),
    modifiedBy,
  }
}

function typeOf(type: string | null): ParameterVersion['type'] {
  if (type === 'String' || type === 'StringList' || type === 'SecureString') return type
  if (type === null)
    throw new AwsError('ValidationException', 'A parameter type is required when you create a parameter.')
  throw new AwsError('UnsupportedParameterType', `The parameter type ${type} is not supported.`)
}
