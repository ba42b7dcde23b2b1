import { SluiceError } from '../core/errors.ts'
import type { Position, Ruleset } from './ast.ts'
import { Checker } from './check.ts'
import type { ParseMemo } from './parse-memo.ts'
import { Parser } from './parser.ts'
import type { Problem } from './problem.ts'

export interface ParseResult {
  /** Every problem in the order of the text; empty when the reference parser accepts the ruleset. */
  readonly problems: readonly Problem[]
  /** The sound rules, whole when there are no problems. */
  readonly ruleset: Ruleset
  /** Where text follows the last section; the reference ignores it silently. */
  readonly leftover: Position | null
}

const byPosition = (one: Problem, other: Problem): number =>
  one.at.line - other.at.line || one.at.column - other.at.column

/**
 * Parses a ruleset of any validity: problems with positions (line and column from 1), and what could be read.
 * @param memo of the parse of an earlier text, to be quicker; the result is the same
 */
export function parseRuleset(text: string, memo: ParseMemo | null = null): ParseResult {
  memo?.begin(text)
  const parser = new Parser(text, memo)
  const document = parser.document()
  const checker = new Checker(memo)
  const ruleset = checker.check(document, parser.problems.length === 0)
  const problems = [...parser.problems, ...checker.problems].sort(byPosition)
  return { problems, ruleset, leftover: problems.length === 0 ? parser.leftover() : null }
}

/** @throws SluiceError `ruleset_invalid` with the first problem; the message counts the others */
export function requireRuleset(text: string, file?: string): Ruleset {
  const { problems, ruleset } = parseRuleset(text)
  const [first] = problems
  if (first === undefined) return ruleset
  const others = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`
  throw new SluiceError('ruleset_invalid', `Cannot read ruleset: ${first.message}${others}`, {
    where: { ...(file === undefined ? {} : { file }), ...first.at },
    ...(first.hint === null ? {} : { hint: first.hint }),
  })
}
