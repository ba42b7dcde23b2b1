import type { RuleExpression } from './ast.ts'
import { Generations } from './generations.ts'
import { moveLines } from './moved-lines.ts'
import type { SyntaxExpression } from './syntax.ts'

/** A rule that was read without a problem, and how much of the text decided what it is. */
export interface ReadRule {
  /** Of its first character. */
  readonly offset: number
  /** Of the token behind it. */
  readonly end: number
  /** Behind the last character that was looked at. */
  readonly reach: number
  /** Of the line it begins in. */
  readonly lineStart: number
  readonly kept: KeptRule
}
/** One object from text to text; `line`, in which the rule begins, is what its places go by. */
export interface KeptRule {
  readonly syntax: SyntaxExpression
  line: number
}

/** How two texts differ: what is the same at their beginnings and at their ends. */
interface Edit {
  readonly prefix: number
  /** Offset in the earlier text from which on it is the same. */
  readonly suffix: number
  /** What offsets behind the edit have moved by. */
  readonly delta: number
}

/** Rules that are cut out at once by intent, not by a quote. */
const FEW = 20

function editOf(earlier: string, text: string): Edit {
  const shorter = Math.min(earlier.length, text.length)
  const delta = text.length - earlier.length
  let prefix = 0
  while (prefix < shorter && earlier.charCodeAt(prefix) === text.charCodeAt(prefix)) prefix += 1
  let suffix = earlier.length
  while (
    suffix > prefix &&
    suffix + delta > prefix &&
    earlier.charCodeAt(suffix - 1) === text.charCodeAt(suffix - 1 + delta)
  )
    suffix -= 1
  return { prefix, suffix, delta }
}

/** The rules of one text by their offsets, and how the text of now differs from it. */
class EarlierText {
  readonly rules = new Map<number, ReadRule>()
  readonly #text: string
  #edit: Edit = { prefix: 0, suffix: 0, delta: 0 }

  constructor(text: string) {
    this.#text = text
  }

  compareWith(text: string): void {
    this.#edit = editOf(this.#text, text)
  }

  find(offset: number): ReadRule | null {
    const { prefix, suffix, delta } = this.#edit
    const before = this.rules.get(offset)
    if (before !== undefined && before.reach < prefix) return before
    const behind = this.rules.get(offset - delta)
    if (behind === undefined || behind.lineStart <= suffix) return null
    const { end, reach, lineStart, kept } = behind
    return { offset, end: end + delta, reach: reach + delta, lineStart: lineStart + delta, kept }
  }
}

/**
 * What a parse leaves for the parse of a text that differs little from it, as after a keystroke: rules that the edit did
 * not touch are taken over, moved to their new lines. A result is good until the next text is parsed. One memo serves one text after another. It also
 * remembers the last text that had about all the rules: while a string is being typed, none is left behind its quote.
 */
export class ParseMemo {
  #current = new EarlierText('')
  #last = this.#current
  #whole = this.#current
  #surroundings = ''
  readonly #checked = new Generations<SyntaxExpression, RuleExpression>()

  /** Before a text is parsed. */
  begin(text: string): void {
    if (this.#current.rules.size >= this.#whole.rules.size - FEW) this.#whole = this.#current
    this.#last = this.#current
    this.#current = new EarlierText(text)
    this.#last.compareWith(text)
    if (this.#whole !== this.#last) this.#whole.compareWith(text)
  }

  /** The rule at an offset, which is in a line, if an earlier text had the same. */
  find(offset: number, line: number): ReadRule | null {
    const found = this.#last.find(offset) ?? (this.#whole === this.#last ? null : this.#whole.find(offset))
    if (found === null || found.kept.line === line) return found
    moveLines(found.kept.syntax, line - found.kept.line)
    found.kept.line = line
    return found
  }

  keep(rule: ReadRule): void {
    this.#current.rules.set(rule.offset, rule)
  }

  /** Checked rules hold as long as what rules refer to is the same. */
  surrounded(surroundings: string): void {
    if (surroundings === this.#surroundings) this.#checked.begin()
    else this.#checked.forget()
    this.#surroundings = surroundings
  }
  checked(syntax: SyntaxExpression): RuleExpression | undefined {
    return this.#checked.get(syntax)
  }
  keepChecked(syntax: SyntaxExpression, rule: RuleExpression): void {
    this.#checked.set(syntax, rule)
  }
}
