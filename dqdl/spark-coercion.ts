import { isJsonObject } from '../core/json.ts'
import { macroName } from './spark-functions.ts'
import type { SparkKind } from './spark-kinds.ts'

export type Node = Readonly<Record<string, unknown>>
export type Kind = SparkKind | null
export interface Typed {
  readonly node: Node
  readonly kind: Kind
}

export const call = (name: string, args: readonly unknown[]): Node => ({
  function: {
    name,
    args,
    distinct: false,
    trailing_comments: [],
    use_bracket_syntax: false,
    no_parens: false,
    quoted: false,
  },
})
export const castTo = (node: unknown, dataType: Node): Node => ({
  cast: {
    this: node,
    to: dataType,
    trailing_comments: [],
    double_colon_syntax: false,
    format: null,
    default: null,
    inferred_type: null,
  },
})

const textLiteral = (node: unknown): string | null => literalOf(node, 'string')
const literalOf = (node: unknown, type: string): string | null => {
  const literal = isJsonObject(node) && isJsonObject(node.literal) ? node.literal : null
  return literal?.literal_type === type && typeof literal.value === 'string' ? literal.value : null
}
const isCalendarDay = (text: string): boolean => {
  const day = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)
}
/** Texts that the engine reads as Spark does when it casts a literal by itself. */
const PLAIN: Readonly<Partial<Record<SparkKind, (text: string) => boolean>>> = {
  int: (text) => /^-?\d{1,9}$/.test(text),
  bigint: (text) => /^-?\d{1,18}$/.test(text),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && isCalendarDay(text),
  timestamp: (text) =>
    /^\d{4}-\d\d-\d\d( ([01]\d|2[0-3]):[0-5]\d:[0-5]\d)?$/.test(text) && isCalendarDay(text.slice(0, 10)),
}

/** Literals that Spark takes for a day; the same words in a column are none. */
const SPECIAL_DAY = /^\s*(?:epoch|now|today|tomorrow|yesterday)\s*$/i

/** Macros that cast as Spark does, by the kinds they lead from and to. */
export const CASTS: Readonly<Record<string, string>> = {
  'text int': 'text_int',
  'text bigint': 'text_bigint',
  'text double': 'text_double',
  'text float': 'text_double',
  'text decimal': 'text_decimal',
  'text boolean': 'text_boolean',
  'text date': 'text_date',
  'text timestamp': 'text_timestamp',
  'double int': 'double_int',
  'float int': 'double_int',
  'double bigint': 'double_bigint',
  'float bigint': 'double_bigint',
  'double text': 'double_text',
  'float text': 'double_text',
  'bigint int': 'bigint_int',
  'decimal int': 'decimal_int',
  'decimal bigint': 'decimal_bigint',
  'int timestamp': 'time',
  'bigint timestamp': 'time',
  'double timestamp': 'time',
  'float timestamp': 'time',
  'timestamp double': 'seconds',
  'timestamp bigint': 'whole_seconds',
  'timestamp int': 'whole_seconds',
}
export const TYPE_NAMES: Readonly<Record<SparkKind, Node>> = {
  text: { data_type: 'string' },
  int: { data_type: 'int', length: null, integer_spelling: false },
  bigint: { data_type: 'big_int', length: null },
  decimal: { data_type: 'double', precision: null, scale: null },
  float: { data_type: 'double', precision: null, scale: null },
  double: { data_type: 'double', precision: null, scale: null },
  boolean: { data_type: 'boolean' },
  date: { data_type: 'date' },
  timestamp: { data_type: 'timestamp', precision: null, timezone: false },
}

const comparedWithText = (kind: SparkKind): SparkKind => (kind === 'decimal' || kind === 'float' ? 'double' : kind)

/** What stands for `{ key: value }`, and its kind. `whole` is that node with its parts rewritten. */
export type Handler = (value: Node, coercion: Coercion, whole: Node) => Typed

/** Writes casts into a tree, and keeps the kinds of its nodes meanwhile. */
export class Coercion {
  readonly #columns: ReadonlyMap<string, SparkKind>
  /** Names that the statement gives itself: what they hold is not looked at. */
  readonly #own: ReadonlySet<string>
  readonly #handlers: Readonly<Record<string, Handler>>
  readonly #kinds = new WeakMap<object, SparkKind>()

  constructor(
    columns: ReadonlyMap<string, SparkKind>,
    own: ReadonlySet<string>,
    handlers: Readonly<Record<string, Handler>>,
  ) {
    this.#columns = columns
    this.#own = own
    this.#handlers = handlers
  }

  kindOf(node: unknown): Kind {
    return isJsonObject(node) ? (this.#kinds.get(node) ?? null) : null
  }

  columnKind(name: string): Kind {
    const key = name.toLowerCase()
    return this.#own.has(key) ? null : (this.#columns.get(key) ?? null)
  }

  /** The node as a value of another kind; itself where either kind is not known. */
  as(node: unknown, wanted: Kind): unknown {
    const kind = this.kindOf(node)
    if (kind === null || wanted === null || kind === wanted) return node
    const text = textLiteral(node)
    if (text !== null && PLAIN[wanted]?.(text) === true) return node
    if (text !== null && SPECIAL_DAY.test(text) && (wanted === 'date' || wanted === 'timestamp'))
      return this.#remember(call(macroName(wanted === 'date' ? 'special_date' : 'special_time'), [node]), wanted)
    const number = literalOf(node, 'number')
    if (wanted === 'text' && number !== null)
      return this.#remember({ literal: { literal_type: 'string', value: number } }, 'text')
    const macro = CASTS[`${kind} ${wanted}`]
    const cast = macro === undefined ? castTo(node, TYPE_NAMES[wanted]) : call(macroName(macro), [node])
    return this.#remember(cast, wanted)
  }

  /** Both sides of a comparison in the kind that Spark compares them in. */
  compared(one: unknown, other: unknown): readonly [unknown, unknown] {
    const [left, right] = [this.kindOf(one), this.kindOf(other)]
    if (left === 'text' && right !== null && right !== 'text') return this.#both(one, other, comparedWithText(right))
    if (right === 'text' && left !== null && left !== 'text') return this.#both(one, other, comparedWithText(left))
    if ((left === 'float' && right === 'decimal') || (left === 'decimal' && right === 'float'))
      return this.#both(one, other, 'double')
    return [one, other]
  }

  #both(one: unknown, other: unknown, kind: SparkKind): readonly [unknown, unknown] {
    return [this.as(one, kind), this.as(other, kind)]
  }

  #remember(node: Node, kind: Kind): Node {
    if (kind !== null) this.#kinds.set(node, kind)
    return node
  }

  rewrite(tree: unknown): unknown {
    if (Array.isArray(tree)) return tree.map((item) => this.rewrite(item))
    if (!isJsonObject(tree)) return tree
    const inner = Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, this.rewrite(value)]))
    const [entry, second] = Object.entries(inner)
    if (entry === undefined || second !== undefined || !isJsonObject(entry[1])) return inner
    const handled = this.#handlers[entry[0]]?.(entry[1], this, inner)
    return handled === undefined ? inner : this.#remember(handled.node, handled.kind)
  }
}

export const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
/** Values of several kinds, one of them text, are texts. */
export const asTexts = (items: readonly unknown[], coercion: Coercion): readonly unknown[] => {
  const kinds = items.map((item) => coercion.kindOf(item))
  if (!kinds.includes('text') || kinds.includes('boolean')) return items
  return items.map((item) => coercion.as(item, 'text'))
}
