import type { Compared } from './compare.ts'

/** The subject in dqdl/differences.md under which a difference stands, or `null`. */
export const differenceOf = (_compared: Compared): string | null => null
