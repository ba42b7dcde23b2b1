import type { ReasonCode } from '../../core/reason-codes.ts'
import type { Drift } from '../messages.ts'

/** Why a source must not proceed: small facts, never a value of a row. */
export interface Refusal {
  readonly refused: true
  readonly reasonCode: ReasonCode
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
  /** Where the header could be held against the mapping. */
  readonly drift: Drift | null
}

export const refusal = (
  reasonCode: ReasonCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
  drift: Drift | null = null,
): Refusal => ({ refused: true, reasonCode, message, details, drift })

export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'refused' in value && value.refused === true

/** Names shown in an answer, so that it stays small whatever a header holds. */
const SHOWN_NAMES = 20
const SHOWN_CHARACTERS = 40

const short = (name: string): string => {
  const characters = [...name]
  return characters.length > SHOWN_CHARACTERS ? `${characters.slice(0, SHOWN_CHARACTERS - 1).join('')}…` : name
}

/** At most 20 names, each cut to 40 characters. */
export const shown = (names: readonly string[]): readonly string[] => names.slice(0, SHOWN_NAMES).map(short)
