import type { QuarantineRequest } from '../messages.ts'
import { RAW_CHARACTERS, type SampledReject } from '../reject-sample.ts'

/** One error of one record; of the whole source where no record is at fault. */
export interface ErrorRow {
  /** Counted from 1 in the source. */
  readonly recordNumber: number | null
  readonly code: string
  readonly column: string | null
  readonly value: string | null
  readonly message: string | null
  /** The record, at most {@link RAW_CHARACTERS} characters of it. */
  readonly raw: string | null
  /** Hex SHA-256 of the whole record. */
  readonly rawSha256: string | null
}

export const MAX_ERROR_ROWS = 10_000
const MAX_VALUE_CHARACTERS = 256

interface ColumnError {
  readonly code: string
  readonly column: string | null
  readonly value: string | null
  readonly message: string | null
}

const textOrNull = (value: unknown): string | null =>
  value === null || value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value)

const cut = (text: string | null, characters: number): string | null => text?.slice(0, characters) ?? null

/** The errors of a reject; what cannot be read as a list still tells its codes. */
function errorsOf({ errors, codes }: SampledReject): readonly ColumnError[] {
  let list: unknown
  try {
    list = JSON.parse(errors)
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
    list = []
  }
  const found = (Array.isArray(list) ? list : []).flatMap((error: unknown): ColumnError[] => {
    if (typeof error !== 'object' || error === null) return []
    const { code, column, value, message }: Record<string, unknown> = { ...error }
    return [
      {
        code: textOrNull(code) ?? '',
        column: textOrNull(column),
        value: textOrNull(value),
        message: textOrNull(message),
      },
    ]
  })
  if (found.length > 0) return found
  return codes.split(',').map((code) => ({ code, column: null, value: null, message: null }))
}

const rowsOfReject = (reject: SampledReject): readonly ErrorRow[] =>
  errorsOf(reject).map((error) => ({
    recordNumber: reject.recordNumber,
    code: error.code,
    column: error.column,
    value: cut(error.value, MAX_VALUE_CHARACTERS),
    message: error.message,
    raw: cut(reject.raw, RAW_CHARACTERS),
    rawSha256: reject.rawSha256,
  }))

/** The rows of the error report, in the order of the source; one for the source itself when no record is at fault. */
export function errorRows(
  { reasonCode, message }: Pick<QuarantineRequest, 'reasonCode' | 'message'>,
  rejects: readonly SampledReject[],
): readonly ErrorRow[] {
  if (rejects.length === 0)
    return [{ recordNumber: null, code: reasonCode, column: null, value: null, message, raw: null, rawSha256: null }]
  return rejects.flatMap(rowsOfReject).slice(0, MAX_ERROR_ROWS)
}
