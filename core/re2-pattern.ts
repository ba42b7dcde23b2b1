const RE2_LACKS: readonly (readonly [RegExp, string])[] = [
  [/\(\?=|\(\?!/, 'look-ahead'],
  [/\(\?<=|\(\?<!/, 'look-behind'],
  [/\\[1-9]/, 'a back-reference'],
  [/\(\?>/, 'an atomic group'],
]

/** Why the engine (RE2) cannot compile a pattern, or `null`. */
export function patternProblem(pattern: string): string | null {
  const lacks = RE2_LACKS.find(([form]) => form.test(pattern))
  if (lacks !== undefined) return `${lacks[1]} is not supported`
  try {
    return new RegExp(pattern.replace(/^\(\?[a-z]+\)/, '').replaceAll('(?P<', '(?<')) instanceof RegExp
      ? null
      : 'it is no pattern'
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return thrown.message
    throw thrown
  }
}
