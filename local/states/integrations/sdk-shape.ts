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

export const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

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
export const isoSeconds = (time: Date): string => time.toISOString().replace('.000Z', 'Z')

export async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)))
  return Buffer.concat(chunks).toString()
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
