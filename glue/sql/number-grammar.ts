import type { NumberForm } from '../intermediate.ts'
import { regexLiteral, text } from './literals.ts'

const digits = (form: NumberForm): string =>
  form.group === null ? '[0-9]+' : `(?:[0-9]{1,3}(?:${regexLiteral(form.group)}[0-9]{3})+|[0-9]+)`

/** An optional sign and digits, grouped in threes or not at all. */
export const integerGrammar = (form: NumberForm): string => `[+-]?${digits(form)}`

/** As an integer, with decimals behind the decimal mark; the part before the mark may be missing. */
export const decimalGrammar = (form: NumberForm): string => {
  const mark = regexLiteral(form.decimal)
  return `[+-]?(?:${digits(form)}(?:${mark}[0-9]+)?|${mark}[0-9]+)`
}

/** A decimal number that loses nothing in `scale` decimals: further decimals are zeros. */
export const exactDecimalGrammar = (form: NumberForm, scale: number): string => {
  const mark = regexLiteral(form.decimal)
  const decimals = scale === 0 ? '0+' : `[0-9]{1,${scale}}0*`
  return `[+-]?(?:${digits(form)}(?:${mark}${decimals})?|${mark}${decimals})`
}

/** A decimal number with an optional exponent. */
export const doubleGrammar = (form: NumberForm): string => `${decimalGrammar(form)}(?:[eE][+-]?[0-9]{1,4})?`

/** The number in the form that the engine reads: no grouping, a point, no plus sign in front. */
export const plainNumber = (column: string, form: NumberForm): string => {
  const ungrouped = form.group === null ? column : `replace(${column}, ${text(form.group)}, '')`
  return form.decimal === '.' ? ungrouped : `replace(${ungrouped}, ${text(form.decimal)}, '.')`
}

export const fullMatch = (column: string, pattern: string): string => `regexp_full_match(${column}, ${text(pattern)})`
