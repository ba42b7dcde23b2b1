const RE2_LACKS: readonly (readonly [RegExp, string])[] = [
  [/\(\?=|\(\?!/, 'look-ahead'],
  [/\(\?<=|\(\?<!/, 'look-behind'],
  [/\\[1-9]/, 'a back-reference'],
  [/\(\?>/, 'an atomic group'],
]

/** RE2 repeats nothing more often. */
const MOST_REPEATS = 1000

const repeatsTooOften = (pattern: string): boolean =>
  [...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].some(([, least, most]) =>
    [least, most].some((count) => Number(count ?? 0) > MOST_REPEATS),
  )

/** What RE2 writes otherwise than JavaScript: flags in the middle, and names of groups. */
const asJavaScript = (pattern: string): string =>
  pattern
    .replaceAll(/\(\?[imsU-]+\)/g, '')
    .replaceAll(/\(\?[imsU-]+:/g, '(?:')
    .replaceAll('(?P<', '(?<')

/** Why the engine (RE2) cannot compile a pattern, or `null`. */
export function patternProblem(pattern: string): string | null {
  // An escaped backslash escapes nothing behind it.
  const plain = pattern.replaceAll('\\\\', '')
  const lacks = RE2_LACKS.find(([form]) => form.test(plain))
  if (lacks !== undefined) return `${lacks[1]} is not supported`
  if (repeatsTooOften(plain)) return `nothing is repeated more than ${MOST_REPEATS} times`
  try {
    return new RegExp(asJavaScript(pattern)) instanceof RegExp ? null : 'it is no pattern'
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return thrown.message
    throw thrown
  }
}
