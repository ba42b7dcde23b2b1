/** The services' models: the schemas that the SDK's own clients are made of, read from the packages they ship in. */

import { NormalizedSchema } from '@smithy/core/schema'

export type Protocol = 'json-1.0' | 'json-1.1' | 'rest-json' | 'rest-xml' | 'query'

export interface OperationModel {
  readonly name: string
  readonly input: NormalizedSchema
  readonly output: NormalizedSchema
  readonly http: { readonly method: string; readonly uri: string; readonly status: number } | null
}

export interface ServiceModel {
  readonly id: string
  readonly protocol: Protocol
  /** First part of `X-Amz-Target`, for JSON protocols. */
  readonly targetPrefix: string | null
  /** XML namespace of answers. */
  readonly xmlNamespace: string | null
  readonly operations: ReadonlyMap<string, OperationModel>
}

interface ServiceSource {
  readonly protocol: Protocol
  readonly targetPrefix?: string
  readonly xmlNamespace?: string
  readonly load: () => Promise<unknown>
}

/** Loads the package of a client. */
const client = (name: string) => (): Promise<unknown> => import(`@aws-sdk/client-${name}`)

const SOURCES: Readonly<Record<string, ServiceSource>> = {
  s3: {
    protocol: 'rest-xml',
    xmlNamespace: 'http://s3.amazonaws.com/doc/2006-03-01/',
    load: client('s3'),
  },
  lambda: { protocol: 'rest-json', load: client('lambda') },
  states: { protocol: 'json-1.0', targetPrefix: 'AWSStepFunctions', load: client('sfn') },
  glue: { protocol: 'json-1.1', targetPrefix: 'AWSGlue', load: client('glue') },
  events: { protocol: 'json-1.1', targetPrefix: 'AWSEvents', load: client('eventbridge') },
  sqs: { protocol: 'json-1.0', targetPrefix: 'AmazonSQS', load: client('sqs') },
  'redshift-data': {
    protocol: 'json-1.1',
    targetPrefix: 'RedshiftData',
    load: client('redshift-data'),
  },
  secretsmanager: {
    protocol: 'json-1.1',
    targetPrefix: 'secretsmanager',
    load: client('secrets-manager'),
  },
  sns: {
    protocol: 'query',
    xmlNamespace: 'http://sns.amazonaws.com/doc/2010-03-31/',
    load: client('sns'),
  },
  ssm: { protocol: 'json-1.1', targetPrefix: 'AmazonSSM', load: client('ssm') },
  logs: { protocol: 'json-1.1', targetPrefix: 'Logs_20140328', load: client('cloudwatch-logs') },
  monitoring: {
    protocol: 'json-1.0',
    targetPrefix: 'GraniteServiceVersion20100801',
    load: client('cloudwatch'),
  },
  sts: {
    protocol: 'query',
    xmlNamespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
    load: client('sts'),
  },
}

/** The service whose targets begin so, e.g. `AWSGlue`. */
export const serviceOfTarget = (prefix: string): string | undefined =>
  Object.entries(SOURCES).find(([, source]) => source.targetPrefix === prefix)?.[0]

/** Known before the model is loaded, for answers to requests that name no operation. */
export const protocolOf = (serviceId: string): Protocol | undefined => SOURCES[serviceId]?.protocol

const loaded = new Map<string, Promise<ServiceModel>>()

/** Loads a service's model at its first request; `undefined` for a service without one. */
export function modelOf(serviceId: string): Promise<ServiceModel> | undefined {
  const source = SOURCES[serviceId]
  if (source === undefined) return undefined
  const known = loaded.get(serviceId)
  if (known !== undefined) return known
  const model = load(serviceId, source)
  loaded.set(serviceId, model)
  return model
}

async function load(id: string, source: ServiceSource): Promise<ServiceModel> {
  const exported = await source.load()
  const operations = new Map<string, OperationModel>()
  for (const schema of exportsOf(exported)) {
    const model = operationModel(schema)
    if (model !== null) operations.set(model.name, model)
  }
  const { protocol, targetPrefix = null, xmlNamespace = null } = source
  return { id, protocol, targetPrefix, xmlNamespace, operations }
}

const exportsOf = (module: unknown): readonly unknown[] =>
  typeof module === 'object' && module !== null ? Object.values(module) : []

/** Operation schemas are tuples `[9, namespace, name, traits, input, output]`. */
const OPERATION = 9

function operationModel(schema: unknown): OperationModel | null {
  if (!Array.isArray(schema) || schema[0] !== OPERATION) return null
  const [, , name, traits, input, output] = schema
  return {
    name: String(name),
    input: NormalizedSchema.of(input),
    output: NormalizedSchema.of(output),
    http: httpTrait(traits),
  }
}

function httpTrait(traits: unknown): OperationModel['http'] {
  if (typeof traits !== 'object' || traits === null || !('http' in traits)) return null
  const { http } = traits
  if (!Array.isArray(http)) return null
  const [method, uri, status] = http
  return { method: String(method), uri: String(uri), status: Number(status) }
}

/** Names of the members that a structure requires: the schema lists them first and gives their number. */
export function requiredMembers(structure: NormalizedSchema): readonly string[] {
  const schema = structure.getSchema()
  if (!Array.isArray(schema)) return []
  const [, , , , members, , count] = schema
  return Array.isArray(members) ? members.slice(0, Number(count ?? 0)).map(String) : []
}

/** A trait of a member, e.g. `httpHeader`, as text; `null` where it is not given. */
export function textTrait(schema: NormalizedSchema, trait: string): string | null {
  const traits: Readonly<Record<string, unknown>> = { ...schema.getMergedTraits() }
  const value = traits[trait]
  return typeof value === 'string' ? value : null
}

export function hasTrait(schema: NormalizedSchema, trait: string): boolean {
  const traits: Readonly<Record<string, unknown>> = { ...schema.getMergedTraits() }
  return Boolean(traits[trait])
}
