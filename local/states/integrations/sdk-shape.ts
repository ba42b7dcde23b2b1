import { Readable } from 'node:stream'
import { isJsonObject, type Json } from '../../../core/json.ts'

/** Members whose value is a map: their keys are data, not member names. */
const MAPS = new Set([
  'Arguments',
  'DefaultArguments',
  'NonOverridableArguments',
  'Parameters',
  'Metadata',
  'Tags',
  'EvaluatedMetrics',
  'MessageAttributes',
  'Attributes',
  'AnalysisRowCountByRule',
  'DataSourceParameters',
  'ConnectionProperties',
  'Variables',
])

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
const lower = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1)

/** How the SDK's times are written: ISO 8601 text, or epoch milliseconds in the `.sync` results. */
export type TimeForm = 'iso' | 'millis'

/**
 * An SDK response as Step Functions shows it: PascalCase members, absent members omitted, times as text, bodies as text.
 * @throws what reading a stream throws
 */
export async function stateOutput(response: unknown, times: TimeForm = 'iso'): Promise<Json> {
  const shaped = await shape(response, times, false)
  return shaped === undefined ? {} : shaped
}

async function shape(value: unknown, times: TimeForm, isMap: boolean): Promise<Json | undefined> {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  if (value instanceof Date) return times === 'millis' ? value.getTime() : isoSeconds(value)
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (value instanceof Readable) return textOf(value)
  if (Array.isArray(value)) {
    const items: Json[] = []
    for (const item of value) items.push((await shape(item, times, false)) ?? null)
    return items
  }
  if (!isJsonObject(value)) return undefined
  return shapeObject(value, times, isMap)
}

async function shapeObject(value: Record<string, unknown>, times: TimeForm, isMap: boolean): Promise<Json> {
  const shaped: Record<string, Json> = {}
  for (const [key, member] of Object.entries(value)) {
    if (key === '$metadata' || member === undefined || member === null) continue
    const name = isMap ? key : capital(key)
    const plain = await shape(member, times, !isMap && MAPS.has(name))
    if (plain !== undefined) shaped[name] = plain
  }
  return shaped
}

/** ISO 8601 in whole seconds where the time has no fraction, as Java prints an Instant. */
const isoSeconds = (time: Date): string => time.toISOString().replace('.000Z', 'Z')

async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)))
  return Buffer.concat(chunks).toString()
}

/** The members of a request as the SDK for JavaScript spells them, from Step Functions' PascalCase. */
export function sdkInput(service: string, parameters: Json): unknown {
  if (service === 'states') return lowerMembers(parameters)
  if (service === 'redshift-data') return redshiftInput(parameters)
  if (service === 's3') return s3Input(parameters)
  return parameters
}

function lowerMembers(value: Json): Json {
  if (Array.isArray(value)) return value.map(lowerMembers)
  if (!isJsonObject(value)) return value
  return Object.fromEntries(
    Object.entries(value as Record<string, Json>).map(([key, member]) => [lower(key), lowerMembers(member)]),
  )
}

function redshiftInput(parameters: Json): Json {
  if (!isJsonObject(parameters)) return parameters
  const { Parameters: values } = parameters
  return (values === undefined ? parameters : { ...parameters, Parameters: lowerMembers(values as Json) }) as Json
}

/** `Body` is sent as its JSON text, whatever it is: text goes with its quotes. */
function s3Input(parameters: Json): unknown {
  if (!isJsonObject(parameters) || parameters.Body === undefined) return parameters
  const Body = Buffer.from(JSON.stringify(parameters.Body))
  return { ContentType: 'text/plain; charset=UTF-8', ...parameters, Body }
}

/** JSON text of a member that services take as text and definitions may give as a value. */
export const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** The two members that optimized integrations add to a response. */
export function sdkMetadata(requestId: string, extra: Readonly<Record<string, string>> = {}): Record<string, Json> {
  const headers = { ...extra, 'x-amzn-RequestId': requestId, 'Content-Type': 'application/json' }
  return {
    SdkHttpMetadata: {
      AllHttpHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
      HttpHeaders: headers,
      HttpStatusCode: 200,
    },
    SdkResponseMetadata: { RequestId: requestId },
  }
}
