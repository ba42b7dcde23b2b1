import type { ParseResult } from '../../dqdl/parse.ts'
import type { ReferenceVerdict } from './reference.ts'

const NEWER_WORDS = /\b(?:labels|DefaultLabels|Variance)\b/
const SEVERAL_COLUMNS = /Type: (?:Uniqueness|IsUnique) is not valid/

/**
 * Why a ruleset may be judged or printed differently (dqdl/differences.md); `null`: it may not. Most of them are what
 * later versions of the official parser, which are not in Maven Central, accept or refuse.
 */
export function knownDifference(text: string, ours: ParseResult, theirs: ReferenceVerdict): string | null {
  const [problem] = ours.problems
  if (theirs.outcome === 'accepted') {
    if (problem === undefined) return /\bnull\b/.test(text) ? 'null in the number of a tag is printed as NULL' : null
    if (problem.code.startsWith('variable_') && text.includes('$')) return 'variables are checked in later versions'
    return NEWER_WORDS.test(text) ? 'words that later versions reserve' : null
  }
  if (theirs.outcome === 'crashed' || problem !== undefined) return null
  if (NEWER_WORDS.test(text)) return 'labels and Variance are of later versions'
  if (text.includes('$')) return 'variables as parameters are of later versions'
  const [message = ''] = theirs.texts
  if (SEVERAL_COLUMNS.test(message)) return 'several columns are of later versions'
  return message.includes('Maximum nested expression depth') ? 'later versions nest to any depth' : null
}
