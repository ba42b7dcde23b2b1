import { nearest } from '../problem.ts'

const STRING_OR_REST = /"(?:[^"\\]|\\.)*"|[^"]+|"/gs

/** A rule's text without the white space outside of quotes, so that texts compare however they are laid out. */
const tightened = (text: string): string =>
  (text.match(STRING_OR_REST) ?? []).map((part) => (part.startsWith('"') ? part : part.replace(/\s+/g, ''))).join('')

/** The rules that a test means: their indices, or why the text names none. */
export type Resolved =
  | { readonly ok: true; readonly indices: readonly number[] }
  | { readonly ok: false; readonly message: string; readonly nearest: string | null }

/**
 * Finds the rules that a text names: all with exactly this text, else the only one that begins with it.
 * @param rules canonical texts, in the order of the ruleset
 */
export function resolveRule(text: string, rules: readonly string[]): Resolved {
  const wanted = tightened(text)
  const tight = rules.map(tightened)
  const indicesOf = (holds: (rule: string) => boolean): number[] =>
    tight.flatMap((rule, index) => (holds(rule) ? [index] : []))
  const exact = indicesOf((rule) => rule === wanted)
  if (exact.length > 0) return { ok: true, indices: exact }
  const beginning = indicesOf((rule) => rule.startsWith(wanted))
  const distinct = new Set(beginning.map((index) => tight[index]))
  if (distinct.size === 1) return { ok: true, indices: beginning }
  if (distinct.size > 1) {
    const named = [...new Set(beginning.map((index) => rules[index]))].join('; ')
    return { ok: false, message: `"${text}" begins ${distinct.size} rules: ${named}`, nearest: null }
  }
  return { ok: false, message: `No rule is "${text}" or begins with it`, nearest: nearest(text, rules) }
}
