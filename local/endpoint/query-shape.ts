/** Form-encoded requests of the Query protocol, by schema. */

import type { NormalizedSchema } from '@smithy/core/schema'
import { AwsError } from '../service.ts'
import { hasTrait, textTrait } from './model.ts'
import { parseTimestamp } from './timestamp.ts'

/** Reads `A.member.1.B=…` into a structure. @throws AwsError `MalformedQueryString` */
export function decodeQuery(schema: NormalizedSchema, form: URLSearchParams, prefix = ''): unknown {
  const decoded: Record<string, unknown> = {}
  if (!schema.isStructSchema()) return decoded
  for (const [name, member] of schema.structIterator()) {
    const value = decodeMember(member, form, `${prefix}${textTrait(member, 'xmlName') ?? name}`)
    if (value !== undefined) decoded[name] = value
  }
  return decoded
}

const isGiven = (form: URLSearchParams, path: string): boolean =>
  [...form.keys()].some((name) => name === path || name.startsWith(`${path}.`))

function decodeMember(schema: NormalizedSchema, form: URLSearchParams, path: string): unknown {
  if (!isGiven(form, path)) return undefined
  const flattened = hasTrait(schema, 'xmlFlattened')
  if (schema.isStructSchema()) return decodeQuery(schema, form, `${path}.`)
  if (schema.isListSchema()) {
    const itemName = textTrait(schema.getValueSchema(), 'xmlName') ?? 'member'
    return numbered(form, flattened ? path : `${path}.${itemName}`).map((item) =>
      decodeMember(schema.getValueSchema(), form, item),
    )
  }
  if (schema.isMapSchema()) {
    const keyName = textTrait(schema.getKeySchema(), 'xmlName') ?? 'key'
    const valueName = textTrait(schema.getValueSchema(), 'xmlName') ?? 'value'
    return Object.fromEntries(
      numbered(form, flattened ? path : `${path}.entry`).map((entry) => [
        form.get(`${entry}.${keyName}`) ?? '',
        decodeMember(schema.getValueSchema(), form, `${entry}.${valueName}`),
      ]),
    )
  }
  return decodeText(schema, form.get(path) ?? '', path)
}

/** `path.1`, `path.2`, … as far as they are given. */
function numbered(form: URLSearchParams, path: string): string[] {
  const paths: string[] = []
  for (let index = 1; isGiven(form, `${path}.${index}`); index += 1) paths.push(`${path}.${index}`)
  return paths
}

function decodeText(schema: NormalizedSchema, text: string, path: string): unknown {
  if (schema.isBooleanSchema()) return text === 'true'
  if (schema.isBlobSchema()) return new Uint8Array(Buffer.from(text, 'base64'))
  const read = schema.isTimestampSchema() ? parseTimestamp(text) : schema.isNumericSchema() ? Number(text) : text
  if (read === null || Number.isNaN(read)) {
    throw new AwsError('MalformedQueryString', `Cannot read ${path}: "${text}" has the wrong form`)
  }
  return read
}
