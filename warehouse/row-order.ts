import type { PhysicalColumn } from '../core/column-type.ts'
import { quoteName } from './quote.ts'

/** One column of a version on both sides of a comparison; `left` and `right` are printed expressions. */
export interface ComparedColumn {
  readonly left: string
  readonly right: string
  /** NULL is older than any value. */
  readonly nullable: boolean
}

const isGreater = ({ left, right, nullable }: ComparedColumn): string =>
  nullable ? `(${left} > ${right} OR (${left} IS NOT NULL AND ${right} IS NULL))` : `${left} > ${right}`

const isSame = ({ left, right, nullable }: ComparedColumn): string =>
  nullable ? `(${left} = ${right} OR (${left} IS NULL AND ${right} IS NULL))` : `${left} = ${right}`

/** Left is newer than right: the columns compared in order, most significant first. */
export function printNewer(columns: readonly ComparedColumn[]): string {
  const [first, ...rest] = columns
  if (first === undefined) return 'FALSE'
  if (rest.length === 0) return isGreater(first)
  return `(${isGreater(first)} OR (${isSame(first)} AND ${printNewer(rest)}))`
}

/**
 * Two columns hold the same value, NULL included. Redshift has no IS NOT DISTINCT FROM, and ignores trailing blanks when
 * it compares text: the lengths tell `x` from `x ` so that the table does not depend on which of them came first.
 */
export function printSameValue(column: PhysicalColumn, left: string, right: string): string {
  const a = `${left}.${quoteName(column.name)}`
  const b = `${right}.${quoteName(column.name)}`
  const equal = column.maxBytes === null ? `${a} = ${b}` : `${a} = ${b} AND OCTET_LENGTH(${a}) = OCTET_LENGTH(${b})`
  return column.nullable ? `(${equal} OR (${a} IS NULL AND ${b} IS NULL))` : `(${equal})`
}
