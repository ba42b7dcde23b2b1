/** XML bodies to inputs and outputs to XML bodies, by schema. */

import type { NormalizedSchema } from '@smithy/core/schema'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { isJsonObject } from '../../core/json.ts'
import { AwsError } from '../service.ts'
import { hasTrait, textTrait } from './model.ts'
import { parseTimestamp, printTimestamp, timestampFormatOf } from './timestamp.ts'

const ATTRIBUTE = '@'
const TEXT = '#text'

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: ATTRIBUTE,
  textNodeName: TEXT,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  htmlEntities: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
})

const malformed = (): AwsError =>
  new AwsError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  )

/** Reads the document's root element into a structure. @throws AwsError `MalformedXML` */
export function decodeXml(schema: NormalizedSchema, text: string): unknown {
  if (XMLValidator.validate(text) !== true) throw malformed()
  const document: unknown = parser.parse(text)
  if (!isJsonObject(document)) throw malformed()
  const [root] = Object.entries(document).filter(([name]) => name !== TEXT)
  if (root === undefined) throw malformed()
  return decodeNode(schema, root[1])
}

function decodeNode(schema: NormalizedSchema, node: unknown): unknown {
  if (node === undefined) return undefined
  if (schema.isStructSchema()) return decodeStructure(schema, node)
  if (schema.isListSchema()) {
    const itemName = textTrait(schema.getValueSchema(), 'xmlName') ?? 'member'
    return itemsOf(childOf(node, itemName)).map((item) => decodeNode(schema.getValueSchema(), item))
  }
  if (schema.isMapSchema()) return decodeMap(schema, itemsOf(childOf(node, 'entry')))
  return decodeText(schema, textOf(node))
}

function decodeStructure(schema: NormalizedSchema, node: unknown): Record<string, unknown> {
  const decoded: Record<string, unknown> = {}
  for (const [name, member] of schema.structIterator()) {
    const elementName = textTrait(member, 'xmlName') ?? name
    const child = childOf(node, hasTrait(member, 'xmlAttribute') ? `${ATTRIBUTE}${elementName}` : elementName)
    if (child === undefined) continue
    const flattenedItems = hasTrait(member, 'xmlFlattened') ? itemsOf(child) : null
    if (flattenedItems === null) decoded[name] = decodeNode(member, child)
    else if (member.isMapSchema()) decoded[name] = decodeMap(member, flattenedItems)
    else decoded[name] = flattenedItems.map((item) => decodeNode(member.getValueSchema(), item))
  }
  return decoded
}

function decodeMap(schema: NormalizedSchema, entries: readonly unknown[]): Record<string, unknown> {
  const keyName = textTrait(schema.getKeySchema(), 'xmlName') ?? 'key'
  const valueName = textTrait(schema.getValueSchema(), 'xmlName') ?? 'value'
  return Object.fromEntries(
    entries.map((entry) => [
      textOf(childOf(entry, keyName)),
      decodeNode(schema.getValueSchema(), childOf(entry, valueName)),
    ]),
  )
}

const childOf = (node: unknown, name: string): unknown => (isJsonObject(node) ? node[name] : undefined)
const itemsOf = (node: unknown): readonly unknown[] => (node === undefined ? [] : Array.isArray(node) ? node : [node])

function textOf(node: unknown): string {
  if (typeof node === 'string') return node
  const text = childOf(node, TEXT)
  return typeof text === 'string' ? text : ''
}

function decodeText(schema: NormalizedSchema, text: string): unknown {
  if (schema.isBooleanSchema()) return text.trim() === 'true'
  if (schema.isBlobSchema()) return new Uint8Array(Buffer.from(text, 'base64'))
  if (schema.isNumericSchema()) {
    const number = Number(text)
    if (text.trim() === '' || Number.isNaN(number)) throw malformed()
    return number
  }
  if (schema.isTimestampSchema()) {
    const time = parseTimestamp(text.trim())
    if (time === null) throw malformed()
    return time
  }
  return text
}

/** One element with what is in it. @param xmlns the namespace to declare, on root elements */
export function encodeXml(schema: NormalizedSchema, value: unknown, name: string, xmlns: string | null): string {
  const declaration = xmlns === null ? '' : ` xmlns="${escapeXml(xmlns)}"`
  return element(name, declaration, schema, value)
}

function element(name: string, declaration: string, schema: NormalizedSchema, value: unknown): string {
  if (schema.isStructSchema() && isJsonObject(value)) {
    const { attributes, content } = structureContent(schema, value)
    return `<${name}${declaration}${attributes}>${content}</${name}>`
  }
  return `<${name}${declaration}>${content(schema, value)}</${name}>`
}

function structureContent(
  schema: NormalizedSchema,
  value: Readonly<Record<string, unknown>>,
): { attributes: string; content: string } {
  let attributes = ''
  let written = ''
  for (const [name, member] of schema.structIterator()) {
    const item = value[name]
    if (item === undefined || item === null || isBoundToHttp(member)) continue
    const elementName = textTrait(member, 'xmlName') ?? name
    if (hasTrait(member, 'xmlAttribute')) {
      attributes += `${namespaceOf(elementName)} ${elementName}="${escapeXml(String(item))}"`
    } else written += memberElements(elementName, member, item)
  }
  return { attributes, content: written }
}

const namespaceOf = (attribute: string): string =>
  attribute.startsWith('xsi:') ? ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' : ''

const HTTP_BINDINGS = ['httpHeader', 'httpPrefixHeaders', 'httpQuery', 'httpLabel', 'httpResponseCode', 'httpPayload']
export const isBoundToHttp = (member: NormalizedSchema): boolean =>
  HTTP_BINDINGS.some((trait) => hasTrait(member, trait))

function memberElements(name: string, member: NormalizedSchema, item: unknown): string {
  const flattened = hasTrait(member, 'xmlFlattened')
  if (member.isListSchema() && Array.isArray(item)) {
    const itemSchema = member.getValueSchema()
    const itemName = flattened ? name : (textTrait(itemSchema, 'xmlName') ?? 'member')
    const items = item.map((one) => element(itemName, '', itemSchema, one)).join('')
    return flattened ? items : `<${name}>${items}</${name}>`
  }
  if (member.isMapSchema() && isJsonObject(item)) {
    const entryName = flattened ? name : 'entry'
    const entries = mapEntries(member, item, entryName)
    return flattened ? entries : `<${name}>${entries}</${name}>`
  }
  return element(name, '', member, item)
}

function mapEntries(schema: NormalizedSchema, value: Readonly<Record<string, unknown>>, entryName: string): string {
  const keyName = textTrait(schema.getKeySchema(), 'xmlName') ?? 'key'
  const valueName = textTrait(schema.getValueSchema(), 'xmlName') ?? 'value'
  return Object.entries(value)
    .map(
      ([key, item]) =>
        `<${entryName}><${keyName}>${escapeXml(key)}</${keyName}>${element(valueName, '', schema.getValueSchema(), item)}</${entryName}>`,
    )
    .join('')
}

function content(schema: NormalizedSchema, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (value instanceof Date) {
    return escapeXml(String(printTimestamp(value, timestampFormatOf(schema, 'date-time'))))
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  return escapeXml(String(value))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#xD;',
  '\n': '&#xA;',
}

/** Text inside an element or attribute; control characters as S3 writes them, by number. */
export const escapeXml = (text: string): string =>
  text.replace(
    /[&<>"\r\n]|\p{Cc}/gu,
    (char) => ENTITIES[char] ?? `&#x${char.charCodeAt(0).toString(16).toUpperCase()};`,
  )
