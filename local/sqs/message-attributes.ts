/** Attributes of messages and the digest that clients compare. */

import { createHash } from 'node:crypto'
import { isJsonObject } from '../../core/json.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError } from '../service.ts'

export interface MessageAttribute {
  readonly DataType: string
  readonly StringValue?: string
  readonly BinaryValue?: Uint8Array
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>

/** @throws AwsError `InvalidParameterValue` */
export function parseAttributes(input: Input, member: string): MessageAttributes {
  const given = input.members[member]
  if (given === undefined || given === null) return {}
  if (!isJsonObject(given)) throw new AwsError('InvalidParameterValue', `Cannot read ${member}: expected a map`)
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, parseAttribute(name, readInput(value))]),
  )
}

function parseAttribute(name: string, value: Input): MessageAttribute {
  const DataType = value.textOr('DataType', '')
  const { BinaryValue: binary } = value.members
  if (/^(String|Number)(\..+)?$/.test(DataType)) return { DataType, StringValue: value.text('StringValue') }
  if (/^Binary(\..+)?$/.test(DataType) && binary instanceof Uint8Array) return { DataType, BinaryValue: binary }
  throw new AwsError(
    'InvalidParameterValue',
    `The message attribute '${name}' must have a type of String, Number or Binary and a value`,
  )
}

export const md5Of = (content: string | Uint8Array): string => createHash('md5').update(content).digest('hex')

/** MD5 over sorted attributes, each part with its length; `undefined` for none. */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort()
  if (names.length === 0) return undefined
  const parts = names.flatMap((name) => {
    const { DataType = '', StringValue, BinaryValue } = attributes[name] ?? {}
    const value = BinaryValue ?? Buffer.from(StringValue ?? '')
    const kind = Buffer.from([BinaryValue === undefined ? 1 : 2])
    return [withLength(Buffer.from(name)), withLength(Buffer.from(DataType)), kind, withLength(value)]
  })
  return md5Of(Buffer.concat(parts))
}

function withLength(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** The attributes that a receiver asks for by name, `All`, or prefix with `.*`. */
export function selected<T>(attributes: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> {
  const wants = (name: string): boolean =>
    names.some(
      (wanted) =>
        wanted === 'All' ||
        wanted === '.*' ||
        wanted === name ||
        (wanted.endsWith('.*') && name.startsWith(wanted.slice(0, -2))),
    )
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => wants(name)))
}
