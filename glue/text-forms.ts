import type { ColumnType } from '../core/column-type.ts'
import type { Conversion, TextOperator } from './intermediate.ts'
import { decimalGrammar, doubleGrammar, integerGrammar } from './sql/number-grammar.ts'
import { grammarOfFormat, ISO_DATE, ISO_LOCAL, ISO_WITH_OFFSET } from './sql/time-format.ts'

/** RE2's `(?i:…)` is unknown to JavaScript: the whole pattern ignores case, which here only makes it more lenient. */
const wholly = (pattern: string): RegExp => new RegExp(`^(?:${pattern.replaceAll('(?i:', '(?:')})$`, 'i')

const PLAIN = { decimal: '.', group: null }
const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false
    throw thrown
  }
}

/** Whether a text has the form that a conversion reads. Its grammar only: whether the value is in range is not asked. */
export function formOf(conversion: Conversion): (text: string) => boolean {
  const matching = (...patterns: readonly string[]): ((text: string) => boolean) => {
    const forms = patterns.map(wholly)
    return (text) => forms.some((form) => form.test(text))
  }
  switch (conversion.name) {
    case 'keep_text':
      return () => true
    case 'parse_integer':
      return matching(conversion.rounding === null ? integerGrammar(conversion.form) : decimalGrammar(conversion.form))
    case 'parse_decimal':
      return matching(decimalGrammar(conversion.form))
    case 'parse_double':
      return matching(doubleGrammar(conversion.form))
    case 'parse_boolean': {
      const known = new Set([...conversion.true, ...conversion.false].map((value) => value.toLowerCase()))
      return (text) => known.has(text.toLowerCase())
    }
    case 'parse_date':
    case 'parse_timestamp':
      return matching(grammarOfFormat(conversion.format))
    case 'parse_iso8601':
      return conversion.into === 'date' ? matching(ISO_DATE) : matching(ISO_LOCAL, ISO_WITH_OFFSET)
    case 'parse_json':
      return isJson
  }
}

/** Operators after which the text still shows what type the source gave it; forms are compared in any case of letters. */
const TRANSPARENT: readonly TextOperator['name'][] = [
  'trim',
  'collapse_whitespace',
  'lowercase',
  'uppercase',
  'null_if',
  'null_texts',
  'default',
]

/** Whether the texts of the source can be held against the conversion without running the operators before it. */
export const showsItsForm = (operators: readonly TextOperator[]): boolean =>
  operators.every(({ name }) => TRANSPARENT.includes(name))

/** From the narrowest type to the widest. */
const INFERRED: readonly { readonly type: ColumnType['kind']; readonly fits: (text: string) => boolean }[] = [
  { type: 'boolean', fits: (text) => /^(true|false)$/i.test(text) },
  { type: 'integer', fits: (text) => wholly(integerGrammar(PLAIN)).test(text) },
  { type: 'decimal', fits: (text) => wholly(decimalGrammar(PLAIN)).test(text) },
  { type: 'double', fits: (text) => wholly(doubleGrammar(PLAIN)).test(text) },
  { type: 'date', fits: (text) => wholly(ISO_DATE).test(text) },
  { type: 'timestamp', fits: (text) => wholly(ISO_LOCAL).test(text) || wholly(ISO_WITH_OFFSET).test(text) },
  { type: 'json', fits: (text) => /^[{[]/.test(text) && isJson(text) },
]

/** Share of a column's texts that must have a form for the column to be said to have it. */
export const TELLING_SHARE = 0.95

/** The narrowest type whose plain form (ISO times, a point as decimal mark) nearly all texts have; `string` where none fits. */
export function inferType(texts: readonly string[]): ColumnType['kind'] {
  const enough = texts.length * TELLING_SHARE
  const found = INFERRED.find(({ fits }) => texts.length > 0 && texts.filter(fits).length >= enough)
  return found?.type ?? 'string'
}
