import { closest, distance } from 'fastest-levenshtein'
import type { Position } from './ast.ts'

/** Something wrong with a ruleset. `code` is lower_snake_case and stable. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly at: Position
  readonly hint: string | null
}

/** The nearest of the candidates, unless nothing is near (more than half of the letters differ). */
export function nearest(word: string, candidates: readonly string[]): string | null {
  if (candidates.length === 0) return null
  const sameWithoutCase = candidates.find((candidate) => candidate.toLowerCase() === word.toLowerCase())
  if (sameWithoutCase !== undefined) return sameWithoutCase
  const found = closest(word, candidates as string[])
  return editsAtMostHalf(word, found) ? found : null
}

const editsAtMostHalf = (word: string, candidate: string): boolean => {
  const longest = Math.max(word.length, candidate.length)
  return distance(word.toLowerCase(), candidate.toLowerCase()) * 2 <= longest
}

/** `nearest is "x"`, as a hint, or `null`. */
export const nearestHint = (word: string, candidates: readonly string[]): string | null => {
  const found = nearest(word, candidates)
  return found === null ? null : `Nearest is "${found}"`
}

/** The word that a message or hint names as the nearest valid one, or `null`. */
export const nearestIn = (message: string): string | null => /nearest is "([^"]+)"\)?$/i.exec(message)?.[1] ?? null
