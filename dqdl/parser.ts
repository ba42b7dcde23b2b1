import type { Position, TextOperand } from './ast.ts'
import { withoutBackslashes } from './condition-parser.ts'
import type { ParseMemo } from './parse-memo.ts'
import { nearest, nearestHint } from './problem.ts'
import { RuleParser } from './rule-parser.ts'
import type { SyntaxDocument, SyntaxExpression, SyntaxPair, SyntaxVariable } from './syntax.ts'
import { isOneOf } from './token-cursor.ts'

/** A whole ruleset by recursive descent; problems are collected in `problems`. */
export class Parser extends RuleParser {
  readonly #memo: ParseMemo | null

  constructor(text: string, memo: ParseMemo | null = null) {
    super(text)
    this.#memo = memo
  }

  /** Position of the first token behind the last section, or `null` at the end of the text. */
  leftover(): Position | null {
    return this.token.kind === 'end' ? null : this.at()
  }

  document(): SyntaxDocument {
    const document: SyntaxDocument = {
      metadata: null,
      metadataAt: null,
      sources: null,
      sourcesAt: null,
      variables: [],
      defaultLabels: null,
      rules: [],
      replacedLabels: this.replacedLabels,
      analyzers: [],
      bodyAt: { line: 1, column: 1 },
    }
    this.guard(() => this.sections(document))
    return document
  }

  protected sections(document: SyntaxDocument): void {
    if (this.isWord('Metadata')) {
      document.metadataAt = this.at()
      document.metadata = this.dictionary('Metadata')
    }
    if (this.isWord('DataSources')) {
      document.sourcesAt = this.at()
      document.sources = this.dictionary('DataSources')
    }
    while (this.token.kind === 'identifier' && !this.misspelledSection()) document.variables.push(this.variable())
    if (this.isWord('DefaultLabels')) {
      this.advance()
      document.defaultLabels = this.labelList()
    }
    document.bodyAt = this.at()
    if (this.isWord('Rules') || this.misspelled === 'Rules') {
      this.beginList()
      this.list(true, () => this.ruleItem(document.rules))
      if (!this.isWord('Analyzers')) return
    } else if (!this.isWord('Analyzers') && this.misspelled !== 'Analyzers') {
      this.fail('"Rules = [" or "Analyzers = ["', 'section_expected', this.sectionHint())
    }
    this.beginList()
    this.list(true, () => this.sound(() => this.analyzer(), document.analyzers))
  }

  /** The section that an unknown word before a list of rules stands for. */
  protected misspelled: string | null = null

  /** `Rule = [ RowCount > 1 ]` is no variable: what the list holds is read all the same. */
  protected misspelledSection(): boolean {
    const { text } = this.token
    const near = nearest(text, ['Rules', 'Analyzers'])
    if (near === null || !this.listOfRulesFollows()) return false
    this.misspelled = near
    this.report('section_expected', `Expected "${near}", found "${text}"`, this.at(), nearestHint(text, [near]))
    return true
  }

  /** Behind the name of a section. */
  protected beginList(): void {
    this.advance()
    if (this.isSymbol('[')) this.report('syntax', 'Expected "=", found "["', this.at())
    else this.expectSymbol('=')
  }

  /** One of the rules: read, or taken over from an earlier text. */
  protected ruleItem(rules: SyntaxExpression[]): void {
    const offset = this.beginRule()
    const known = this.#memo?.find(offset, this.at().line) ?? null
    if (known !== null) {
      this.passOver(known)
      this.#memo?.keep(known)
      rules.push(known.kept.syntax)
      return
    }
    const replaced = this.replacedLabels.length
    const problems = this.problems.length
    this.sound(() => this.expression(), rules)
    const syntax = rules.at(-1)
    const clean = this.problems.length === problems && this.replacedLabels.length === replaced
    const delimited = this.isSymbol(',') || this.isSymbol(']')
    if (clean && delimited && syntax !== undefined) this.#memo?.keep(this.readRule(offset, syntax))
  }

  /** Keeps an item unless something in it could not be read: what is left of it would only mislead. */
  protected sound<T>(parse: () => T, items: T[]): void {
    const before = this.problems.length
    const item = parse()
    if (this.token.kind === 'quote') this.fail('"," or "]"', 'syntax')
    if (this.problems.length === before) items.push(item)
  }

  protected sectionHint(): string | null {
    const { text, kind } = this.token
    if (kind === 'word' && isOneOf(text, 'Metadata', 'DataSources'))
      return 'Sections stand in the order Metadata, DataSources, variables, DefaultLabels, Rules, Analyzers'
    return null
  }

  protected dictionary(name: string): SyntaxPair[] {
    this.advance()
    this.expectSymbol('=')
    this.expectSymbol('{')
    const pairs: SyntaxPair[] = []
    if (this.isSymbol('}')) {
      this.report('empty_dictionary', `Empty dictionary provided in ${name} section`, this.at())
      this.advance()
      return pairs
    }
    do pairs.push(this.pair())
    while (this.takeSymbol(','))
    this.expectSymbol('}')
    return pairs
  }

  protected pair(): SyntaxPair {
    const at = this.at()
    const key = withoutBackslashes(this.string('a key in double quotes'))
    this.expectSymbol(':')
    if (!this.takeSymbol('[')) return { key, values: [this.string('a value in double quotes')], list: false, at }
    const values: string[] = []
    do values.push(this.string('a value in double quotes'))
    while (this.takeSymbol(','))
    this.expectSymbol(']')
    return { key, values, list: true, at }
  }

  protected variable(): SyntaxVariable {
    const at = this.at()
    const name = this.token.text
    this.advance()
    if (!this.isSymbol('='))
      this.fail(
        `"=" after "${name}"`,
        'section_expected',
        nearestHint(name, ['Metadata', 'DataSources', 'DefaultLabels', 'Rules', 'Analyzers']),
      )
    this.advance()
    if (this.isSymbol('[')) {
      const near = nearestHint(name, ['Rules', 'Analyzers', 'DefaultLabels'])
      const operands: TextOperand[] = []
      this.list(false, () => operands.push(this.variableText(name, true, near)))
      return { name, list: true, operands, at }
    }
    return { name, list: false, operands: [this.variableText(name, false, null)], at }
  }

  protected variableText(name: string, inList: boolean, hint: string | null): TextOperand {
    const operand = this.textOperand(inList)
    if (operand !== null) return operand
    return this.fail(
      `a text for variable '${name}'`,
      'variable_value',
      hint ?? 'Variables hold texts in double quotes or lists of them',
    )
  }
}
