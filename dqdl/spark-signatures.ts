import { isJsonObject } from '../core/json.ts'
import { asTexts, castTo, type Handler, itemsOf, type Kind, type Node, TYPE_NAMES } from './spark-coercion.ts'
import { type SparkKind, widest } from './spark-kinds.ts'

const FUNCTION_CASTS: Readonly<Record<string, SparkKind>> = {
  int: 'int',
  bigint: 'bigint',
  double: 'double',
  float: 'float',
  string: 'text',
  boolean: 'boolean',
  date: 'date',
  to_date: 'date',
  timestamp: 'timestamp',
  to_timestamp: 'timestamp',
}
interface Signature {
  /** How many of the arguments are cast; all by default. */
  readonly cast: number | 'all'
  readonly from: number
  readonly wanted: SparkKind
  /** Kinds that are cast; all that are known by default. */
  readonly only?: readonly Kind[]
  readonly result: Kind
}
const textFunction = (result: Kind, count: number | 'all' = 1): Signature => ({
  cast: count,
  from: 0,
  wanted: 'text',
  result,
})
const dayFunction = (result: Kind, count = 1): Signature => ({
  cast: count,
  from: 0,
  wanted: 'date',
  only: ['text'],
  result,
})
const timeFunction = (result: Kind, from = 0): Signature => ({
  cast: 1,
  from,
  wanted: 'timestamp',
  only: ['text'],
  result,
})
const numberFunction = (result: Kind = 'double'): Signature => ({
  cast: 'all',
  from: 0,
  wanted: 'double',
  only: ['text'],
  result,
})
const SIGNATURES: Readonly<Record<string, Signature>> = {
  concat: textFunction('text', 'all'),
  concat_ws: textFunction('text', 'all'),
  ltrim: textFunction('text'),
  rtrim: textFunction('text'),
  btrim: textFunction('text'),
  replace: textFunction('text', 'all'),
  translate: textFunction('text'),
  left: textFunction('text'),
  right: textFunction('text'),
  lpad: textFunction('text'),
  rpad: textFunction('text'),
  repeat: textFunction('text'),
  split: textFunction(null),
  regexp_replace: textFunction('text'),
  regexp_extract: textFunction('text'),
  substring_index: textFunction('text'),
  ascii: textFunction('int'),
  md5: textFunction('text'),
  sha1: textFunction('text'),
  sha2: textFunction('text'),
  datediff: dayFunction('int', 2),
  date_diff: dayFunction('int', 2),
  date_add: dayFunction('date'),
  date_sub: dayFunction('date'),
  trunc: dayFunction('date'),
  date_format: timeFunction('text'),
  date_trunc: timeFunction('timestamp', 1),
  log10: numberFunction(),
  log2: numberFunction(),
  power: numberFunction(),
  isnan: numberFunction('boolean'),
  sign: numberFunction(),
  signum: numberFunction(),
  pmod: numberFunction(null),
  current_date: { cast: 0, from: 0, wanted: 'text', result: 'date' },
  current_timestamp: { cast: 0, from: 0, wanted: 'text', result: 'timestamp' },
  now: { cast: 0, from: 0, wanted: 'text', result: 'timestamp' },
}
const ALTERNATIVES: readonly string[] = ['greatest', 'least', 'ifnull', 'nvl']

/** A function that the parser gives no node of its own. */
export const namedFunction: Handler = (value, coercion, whole) => {
  const name = typeof value.name === 'string' ? value.name.toLowerCase() : ''
  const args = itemsOf(value.args)
  const [first] = args
  const target = FUNCTION_CASTS[name]
  const withArgs = (changed: readonly unknown[]): Node => ({ function: { ...value, args: changed } })
  if (target !== undefined && args.length === 1) {
    const node = coercion.as(first, target)
    if (isJsonObject(node) && coercion.kindOf(first) !== null) return { node, kind: target }
    return { node: name === target ? castTo(first, TYPE_NAMES[target]) : whole, kind: target }
  }
  if (target !== undefined) return { node: whole, kind: target }
  if (ALTERNATIVES.includes(name)) {
    const items = asTexts(args, coercion)
    return { node: withArgs(items), kind: widest(items.map((item) => coercion.kindOf(item))) }
  }
  if (name === 'round') {
    const items = args.map((each, index) =>
      index === 0 && coercion.kindOf(each) === 'text' ? coercion.as(each, 'double') : each,
    )
    return { node: withArgs(items), kind: coercion.kindOf(items[0]) }
  }
  if (name === 'nullif' && args.length === 2) {
    const [one, other] = coercion.compared(first, args[1])
    return { node: withArgs([one, other]), kind: coercion.kindOf(one) }
  }
  // A text has this pattern if no other is given.
  if (name === 'unix_timestamp' && args.length === 1 && coercion.kindOf(first) === 'text')
    return {
      node: withArgs([first, { literal: { literal_type: 'string', value: 'yyyy-MM-dd HH:mm:ss' } }]),
      kind: 'bigint',
    }
  const signature = SIGNATURES[name]
  if (signature === undefined) return { node: whole, kind: null }
  const end = signature.cast === 'all' ? args.length : signature.from + signature.cast
  const items = args.map((each, index) => {
    const isTaken = index >= signature.from && index < end
    return isTaken && (signature.only?.includes(coercion.kindOf(each)) ?? true)
      ? coercion.as(each, signature.wanted)
      : each
  })
  return { node: withArgs(items), kind: signature.result }
}
