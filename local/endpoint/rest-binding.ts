/** REST requests to inputs and outputs to REST answers: labels, query, headers and payload, as the schemas bind them. */

import type { NormalizedSchema } from '@smithy/core/schema'
import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../service.ts'
import { decodeJson, encodeJson, printJson } from './json-shape.ts'
import { hasTrait, type OperationModel, textTrait } from './model.ts'
import { queryDecode, type RawRequest } from './request.ts'
import { parseTimestamp, printTimestamp, timestampFormatOf } from './timestamp.ts'
import { decodeXml, encodeXml, isBoundToHttp } from './xml-shape.ts'

export type BodyFormat = 'json' | 'xml'

/** The member that takes the whole body, if there is one. */
export function payloadMember(structure: NormalizedSchema): readonly [string, NormalizedSchema] | null {
  if (!structure.isStructSchema()) return null
  for (const entry of structure.structIterator()) if (hasTrait(entry[1], 'httpPayload')) return entry
  return null
}

/** Whether the body may be longer than memory: it is handed over as a stream then. */
export const takesStream = ({ input }: OperationModel): boolean => payloadMember(input)?.[1].isStreaming() ?? false

/**
 * The input of a REST request. @param body the body's bytes; for streaming operations leave it empty and add the member
 * @throws AwsError `SerializationException`, `MalformedXML`, `InvalidArgument`
 */
export function decodeRest(
  operation: OperationModel,
  labels: Readonly<Record<string, string>>,
  request: RawRequest,
  body: Uint8Array,
  format: BodyFormat,
): Record<string, unknown> {
  const { input } = operation
  const decoded: Record<string, unknown> = {}
  if (!input.isStructSchema()) return decoded
  const query = queryOf(request)
  let hasBodyMembers = false
  for (const [name, member] of input.structIterator()) {
    const value = boundValue(name, member, labels, query, request)
    if (value !== undefined) decoded[name] = value
    if (!isBoundToHttp(member)) hasBodyMembers = true
  }
  const payload = payloadMember(input)
  if (payload !== null) Object.assign(decoded, decodePayload(payload, body, format))
  else if (hasBodyMembers && body.length > 0) Object.assign(decoded, decodeBody(input, body, format))
  return decoded
}

function queryOf(request: RawRequest): Map<string, string[]> {
  const query = new Map<string, string[]>()
  for (const [rawName, value] of request.rawQuery) {
    const name = queryDecode(rawName)
    query.set(name, [...(query.get(name) ?? []), queryDecode(value)])
  }
  return query
}

function boundValue(
  name: string,
  member: NormalizedSchema,
  labels: Readonly<Record<string, string>>,
  query: ReadonlyMap<string, readonly string[]>,
  { headers }: RawRequest,
): unknown {
  if (hasTrait(member, 'httpLabel')) return fromText(member, labels[name], name, 'date-time')
  const queryName = textTrait(member, 'httpQuery')
  if (queryName !== null) return fromTexts(member, query.get(queryName), name)
  const headerName = textTrait(member, 'httpHeader')
  if (headerName !== null) return fromHeader(member, headers.get(headerName.toLowerCase()), name)
  const prefix = textTrait(member, 'httpPrefixHeaders')
  return prefix === null ? undefined : prefixed(headers, prefix.toLowerCase())
}

function fromTexts(member: NormalizedSchema, texts: readonly string[] | undefined, name: string): unknown {
  if (texts === undefined) return undefined
  if (member.isListSchema()) return texts.map((text) => fromText(member.getValueSchema(), text, name, 'date-time'))
  return fromText(member, texts[0], name, 'date-time')
}

function fromHeader(member: NormalizedSchema, raw: string | undefined, name: string): unknown {
  if (raw === undefined) return undefined
  const text = Buffer.from(raw, 'latin1').toString('utf8')
  if (!member.isListSchema()) return fromText(member, text, name, 'http-date')
  return text.split(',').map((item) => fromText(member.getValueSchema(), item.trim(), name, 'http-date'))
}

function prefixed(headers: ReadonlyMap<string, string>, prefix: string): Record<string, string> | undefined {
  const found = [...headers].filter(([name]) => name.startsWith(prefix))
  if (found.length === 0) return undefined
  return Object.fromEntries(
    found.map(([name, value]) => [name.slice(prefix.length), Buffer.from(value, 'latin1').toString('utf8')]),
  )
}

function fromText(
  member: NormalizedSchema,
  text: string | undefined,
  name: string,
  fallback: 'date-time' | 'http-date',
): unknown {
  if (text === undefined) return undefined
  if (member.isBooleanSchema()) return text === 'true'
  if (member.isNumericSchema()) {
    const number = Number(text)
    if (text === '' || Number.isNaN(number)) throw unreadable(name, text)
    return number
  }
  if (member.isTimestampSchema()) {
    const time = parseTimestamp(text)
    if (time === null) throw unreadable(`${name} (${fallback})`, text)
    return time
  }
  return text
}

const unreadable = (name: string, text: string): AwsError =>
  new AwsError('InvalidArgument', `Cannot read ${name}: "${text}" has the wrong form`)

function decodePayload(
  [name, member]: readonly [string, NormalizedSchema],
  body: Uint8Array,
  format: BodyFormat,
): Record<string, unknown> {
  if (member.isStreaming() || body.length === 0) return {}
  if (member.isBlobSchema()) return { [name]: body }
  const text = Buffer.from(body).toString('utf8')
  if (member.isStringSchema()) return { [name]: text }
  return { [name]: format === 'json' ? decodeJson(member, parseJson(text)) : decodeXml(member, text) }
}

function decodeBody(input: NormalizedSchema, body: Uint8Array, format: BodyFormat): Record<string, unknown> {
  const text = Buffer.from(body).toString('utf8')
  const decoded = format === 'json' ? decodeJson(input, parseJson(text)) : decodeXml(input, text)
  return isJsonObject(decoded) ? decoded : {}
}

/** @throws AwsError `SerializationException` */
export function parseJson(text: string): unknown {
  if (text.trim() === '') return {}
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AwsError('SerializationException', `Cannot read the body: it is not JSON (${String(cause)})`)
  }
}

export interface RestAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Text, bytes or a stream; empty for answers without a body. */
  readonly body: unknown
  readonly contentType: string | null
}

/** The answer of a REST operation. @param xmlns namespace of the root element */
export function encodeRest(
  operation: OperationModel,
  output: unknown,
  format: BodyFormat,
  xmlns: string | null,
): RestAnswer {
  const value = isJsonObject(output) ? output : {}
  const headers = new Map<string, string>()
  let status = operation.http?.status ?? 200
  if (operation.output.isStructSchema()) {
    for (const [name, member] of operation.output.structIterator()) {
      const item = value[name]
      if (item === undefined || item === null) continue
      if (hasTrait(member, 'httpResponseCode')) status = Number(item)
      bindHeaders(headers, member, item)
    }
  }
  const { body, contentType } = bodyOf(operation, value, format, xmlns)
  return { status, headers, body, contentType }
}

function bindHeaders(headers: Map<string, string>, member: NormalizedSchema, item: unknown): void {
  const name = textTrait(member, 'httpHeader')
  if (name !== null) headers.set(name.toLowerCase(), headerText(member, item))
  const prefix = textTrait(member, 'httpPrefixHeaders')
  if (prefix === null || !isJsonObject(item)) return
  for (const [key, text] of Object.entries(item)) headers.set(`${prefix}${key}`.toLowerCase(), headerSafe(String(text)))
}

function headerText(member: NormalizedSchema, item: unknown): string {
  if (item instanceof Date) return String(printTimestamp(item, timestampFormatOf(member, 'http-date')))
  return headerSafe(Array.isArray(item) ? item.map(String).join(',') : String(item))
}

/** What is not ASCII goes as RFC 2047 words, as S3 sends such metadata. */
const headerSafe = (text: string): string =>
  /^[\t\x20-\x7e]*$/.test(text) ? text : `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`

function bodyOf(
  { name, output }: OperationModel,
  value: Readonly<Record<string, unknown>>,
  format: BodyFormat,
  xmlns: string | null,
): { body: unknown; contentType: string | null } {
  if (!output.isStructSchema()) return { body: '', contentType: null }
  if (name === 'GetBucketLocation') return unwrappedLocation(value, xmlns)
  const payload = payloadMember(output)
  if (payload !== null) return payloadBody(payload, value, format, xmlns)
  const hasBodyMembers = [...output.structIterator()].some(([, member]) => !isBoundToHttp(member))
  if (!hasBodyMembers) return format === 'json' ? jsonBody({}) : { body: '', contentType: null }
  if (format === 'json') return jsonBody(encodeJson(output, withoutBindings(output, value)))
  return xmlBody(encodeXml(output, value, textTrait(output, 'xmlName') ?? output.getName() ?? name, xmlns))
}

function payloadBody(
  [name, member]: readonly [string, NormalizedSchema],
  value: Readonly<Record<string, unknown>>,
  format: BodyFormat,
  xmlns: string | null,
): { body: unknown; contentType: string | null } {
  const item = value[name]
  if (item === undefined || item === null) return { body: '', contentType: null }
  if (member.isBlobSchema() || member.isStreaming() || member.isStringSchema()) return { body: item, contentType: null }
  if (format === 'json') return jsonBody(encodeJson(member, item))
  return xmlBody(encodeXml(member, item, textTrait(member, 'xmlName') ?? member.getName() ?? name, xmlns))
}

const jsonBody = (value: unknown) => ({ body: printJson(value ?? {}), contentType: 'application/json' })
const xmlBody = (element: string) => ({ body: `${XML_DECLARATION}${element}`, contentType: 'application/xml' })

export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

const withoutBindings = (output: NormalizedSchema, value: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    [...output.structIterator()].filter(([, member]) => !isBoundToHttp(member)).map(([name]) => [name, value[name]]),
  )

/** The one answer whose root element holds the text itself. */
function unwrappedLocation(value: Readonly<Record<string, unknown>>, xmlns: string | null) {
  const { LocationConstraint: location } = value
  return xmlBody(`<LocationConstraint xmlns="${xmlns ?? ''}">${String(location ?? '')}</LocationConstraint>`)
}
