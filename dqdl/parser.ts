import type {
  Analyzer,
  Comparison,
  Condition,
  DateOperand,
  DurationUnit,
  Label,
  NumberExpression,
  Operator,
  Parameter,
  Position,
  Rule,
  Size,
  SizeUnit,
  TextKeyword,
  TextOperand,
} from './ast.ts'
import { nearestHint, type Problem } from './problem.ts'
import { RULE_TYPES } from './rule-types.ts'
import { Lexer, LineIndex, type Token } from './tokens.ts'

/** A condition before variables are replaced and its kind is held against the rule type. */
export type SyntaxCondition =
  | Exclude<Condition, { kind: 'text' }>
  | { readonly kind: 'text'; readonly operator: Operator; readonly operands: readonly (TextOperand | VariableUse)[] }
export interface VariableUse {
  readonly kind: 'variable'
  readonly name: string
  readonly at: Position
}
export interface SyntaxRule extends Omit<Rule, 'condition' | 'threshold' | 'tags' | 'labels'> {
  readonly condition: SyntaxCondition | null
  readonly conditionAt: Position
  readonly tags: readonly SyntaxTag[]
  readonly labels: SyntaxLabels | null
}
export interface SyntaxTag {
  readonly name: string
  readonly condition: Extract<SyntaxCondition, { kind: 'number' | 'text' }>
  readonly at: Position
}
export interface SyntaxLabels {
  readonly pairs: readonly (Label & { readonly at: Position })[]
  readonly at: Position
}
export interface SyntaxComposite {
  readonly kind: 'composite'
  readonly operator: 'and' | 'or'
  readonly parts: readonly SyntaxExpression[]
  readonly labels: SyntaxLabels | null
  readonly parenthesised: boolean
  readonly at: Position
}
export type SyntaxExpression = SyntaxRule | SyntaxComposite
export interface SyntaxPair {
  readonly key: string
  readonly values: readonly string[]
  readonly list: boolean
  readonly at: Position
}
export interface SyntaxVariable {
  readonly name: string
  readonly list: boolean
  readonly operands: readonly TextOperand[]
  readonly at: Position
}
/** What the grammar alone says; `check.ts` makes a ruleset of it. */
export interface SyntaxDocument {
  metadata: readonly SyntaxPair[] | null
  metadataAt: Position | null
  sources: readonly SyntaxPair[] | null
  sourcesAt: Position | null
  variables: SyntaxVariable[]
  defaultLabels: SyntaxLabels | null
  rules: SyntaxExpression[]
  analyzers: Analyzer[]
  bodyAt: Position
}

/** Thrown inside a list item or section; caught where parsing can go on. */
class Unexpected extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

const isOneOf = (text: string, ...words: readonly string[]): boolean => words.includes(text)
const COMPARISONS: readonly string[] = ['>', '>=', '<', '<=']
const DURATION_UNITS: readonly string[] = ['days', 'hours', 'minutes']
const SIZE_UNITS: readonly string[] = ['B', 'KB', 'MB', 'GB', 'TB']
const KEYWORDS: Readonly<Record<string, TextKeyword>> = {
  null: 'NULL',
  NULL: 'NULL',
  empty: 'EMPTY',
  EMPTY: 'EMPTY',
  whitespaces_only: 'WHITESPACES_ONLY',
  WHITESPACES_ONLY: 'WHITESPACES_ONLY',
}
const CONDITION_STARTS: readonly string[] = ['between', 'not', '>', '>=', '<', '<=', '!', '=', 'in', 'matches']

/** Backslashes removed, the character behind each kept: so texts in lists and keys of dictionaries are stored. */
export const withoutBackslashes = (raw: string): string => raw.replace(/\\(.)/gs, '$1')

type Operand =
  | { readonly kind: 'number'; readonly value: NumberExpression }
  | { readonly kind: 'text'; readonly value: TextOperand | VariableUse }
  | { readonly kind: 'date'; readonly value: DateOperand }
  | { readonly kind: 'duration'; readonly value: { amount: number; unit: DurationUnit } }
  | { readonly kind: 'size'; readonly value: Size }
  | { readonly kind: 'null' }

/** Recursive descent over {@link Lexer}; problems are collected and parsing goes on behind the broken rule or section. */
export class Parser {
  readonly problems: Problem[] = []
  readonly #lexer: Lexer
  readonly #lines: LineIndex
  #token: Token
  #ahead: Token | null = null
  readonly #reported = new Set<number>()

  constructor(text: string) {
    this.#lexer = new Lexer(text)
    this.#lines = new LineIndex(text)
    this.#token = this.#read()
  }

  /** Position of the first token behind the last section, or `null` at the end of the text. */
  leftover(): Position | null {
    return this.#token.kind === 'end' ? null : this.#at()
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
      analyzers: [],
      bodyAt: { line: 1, column: 1 },
    }
    this.#guard(() => this.#sections(document))
    return document
  }

  #sections(document: SyntaxDocument): void {
    if (this.#isWord('Metadata')) {
      document.metadataAt = this.#at()
      document.metadata = this.#dictionary('Metadata')
    }
    if (this.#isWord('DataSources')) {
      document.sourcesAt = this.#at()
      document.sources = this.#dictionary('DataSources')
    }
    while (this.#token.kind === 'identifier') document.variables.push(this.#variable())
    if (this.#isWord('DefaultLabels')) {
      this.#advance()
      document.defaultLabels = this.#labelList()
    }
    document.bodyAt = this.#at()
    if (this.#isWord('Rules')) {
      this.#advance()
      this.#expectSymbol('=')
      this.#list(true, () => this.#sound(() => this.#expression(), document.rules))
      if (!this.#isWord('Analyzers')) return
    } else if (!this.#isWord('Analyzers')) {
      this.#fail('"Rules = [" or "Analyzers = ["', 'section_expected', this.#sectionHint())
    }
    this.#advance()
    this.#expectSymbol('=')
    this.#list(true, () => this.#sound(() => this.#analyzer(), document.analyzers))
  }

  /** Keeps an item unless something in it could not be read: what is left of it would only mislead. */
  #sound<T>(parse: () => T, items: T[]): void {
    const before = this.problems.length
    const item = parse()
    if (this.problems.length === before) items.push(item)
  }

  #sectionHint(): string | null {
    const { text, kind } = this.#token
    if (kind === 'word' && isOneOf(text, 'Metadata', 'DataSources'))
      return 'Sections stand in the order Metadata, DataSources, variables, DefaultLabels, Rules, Analyzers'
    return null
  }

  // Sections before the body

  #dictionary(name: string): SyntaxPair[] {
    this.#advance()
    this.#expectSymbol('=')
    this.#expectSymbol('{')
    const pairs: SyntaxPair[] = []
    if (this.#isSymbol('}')) {
      this.#report('empty_dictionary', `Empty dictionary provided in ${name} section`, this.#at())
      this.#advance()
      return pairs
    }
    do pairs.push(this.#pair())
    while (this.#takeSymbol(','))
    this.#expectSymbol('}')
    return pairs
  }

  #pair(): SyntaxPair {
    const at = this.#at()
    const key = withoutBackslashes(this.#string('a key in double quotes'))
    this.#expectSymbol(':')
    if (!this.#takeSymbol('[')) return { key, values: [this.#string('a value in double quotes')], list: false, at }
    const values: string[] = []
    do values.push(this.#string('a value in double quotes'))
    while (this.#takeSymbol(','))
    this.#expectSymbol(']')
    return { key, values, list: true, at }
  }

  #variable(): SyntaxVariable {
    const at = this.#at()
    const name = this.#token.text
    this.#advance()
    if (!this.#isSymbol('='))
      this.#fail(
        `"=" after "${name}"`,
        'section_expected',
        nearestHint(name, ['Metadata', 'DataSources', 'DefaultLabels', 'Rules', 'Analyzers']),
      )
    this.#advance()
    if (this.#isSymbol('[')) {
      const near = nearestHint(name, ['Rules', 'Analyzers', 'DefaultLabels'])
      const operands: TextOperand[] = []
      this.#list(false, () => operands.push(this.#variableText(name, true, near)))
      return { name, list: true, operands, at }
    }
    return { name, list: false, operands: [this.#variableText(name, false, null)], at }
  }

  #variableText(name: string, inList: boolean, hint: string | null): TextOperand {
    const operand = this.#textOperand(inList)
    if (operand !== null) return operand
    return this.#fail(
      `a text for variable '${name}'`,
      'variable_value',
      hint ?? 'Variables hold texts in double quotes or lists of them',
    )
  }

  #labelList(): SyntaxLabels {
    const at = this.#at()
    this.#expectSymbol('=')
    const pairs: (Label & { at: Position })[] = []
    this.#list(true, () => {
      const pairAt = this.#at()
      const key = this.#string('a label key in double quotes')
      this.#expectSymbol('=')
      pairs.push({ key, value: this.#string('a label value in double quotes'), at: pairAt })
    })
    return { pairs, at }
  }

  /** `[ item, … ]`; a broken item is reported and passed over. */
  #list(mayBeEmpty: boolean, item: () => void): void {
    this.#expectSymbol('[')
    if (mayBeEmpty && this.#takeSymbol(']')) return
    for (;;) {
      if (!this.#guard(item)) this.#skipItem()
      if (this.#takeSymbol(',')) {
        if (this.#isSymbol(']')) {
          this.#report('trailing_comma', 'Unexpected "]" after ","', this.#at(), 'Remove the last comma')
          this.#advance()
          return
        }
        continue
      }
      if (this.#takeSymbol(']')) return
      if (this.#token.kind === 'end') this.#fail('"," or "]"', 'unclosed_list')
      this.#guard(() => this.#fail('"," or "]"', 'syntax', this.#itemHint()))
      this.#skipItem()
      if (this.#takeSymbol(',')) continue
      if (this.#takeSymbol(']')) return
      throw new Unexpected(this.#problem('"]"', 'unclosed_list'))
    }
  }

  #itemHint(): string | null {
    const { kind, text } = this.#token
    if (text === 'where' || text === 'labels' || text === 'with') return 'They stand in this order: where, labels, with'
    if (text === 'not') return 'A rule cannot be negated: negate its condition'
    if (text === '/') return 'Comments start with #'
    if (kind === 'identifier') return nearestHint(text, ['and', 'or', 'where', 'with', 'labels', 'between'])
    return null
  }

  /** To the next "," or "]" of the list the broken item stands in. */
  #skipItem(): void {
    let depth = 0
    for (; this.#token.kind !== 'end'; this.#advance()) {
      if (this.#token.kind !== 'symbol') {
        if (depth === 0 && this.#token.kind === 'word' && this.#startsSection()) return
        continue
      }
      if (depth === 0 && isOneOf(this.#token.text, ',', ']')) return
      if (isOneOf(this.#token.text, '[', '(')) depth += 1
      if (isOneOf(this.#token.text, ']', ')')) depth = Math.max(0, depth - 1)
    }
  }

  #startsSection(): boolean {
    return isOneOf(this.#token.text, 'Rules', 'Analyzers') && this.#peek().text === '='
  }

  // Rules

  #expression(): SyntaxExpression {
    return this.#chain(['or', 'OR'], 'or', () => this.#chain(['and', 'AND'], 'and', () => this.#primary()))
  }

  #chain(
    words: readonly string[],
    operator: 'and' | 'or',
    part: () => { expression: SyntaxExpression; parenthesised: boolean } | SyntaxExpression,
  ): SyntaxExpression {
    const at = this.#at()
    const parts: SyntaxExpression[] = []
    let parenthesised = true
    const take = (): void => {
      const taken = part()
      const expression = 'expression' in taken ? taken.expression : taken
      if ('expression' in taken ? !taken.parenthesised : expression.kind === 'rule') parenthesised = false
      parts.push(expression)
    }
    take()
    while (this.#token.kind === 'word' && words.includes(this.#token.text)) {
      this.#advance()
      take()
    }
    const [only] = parts
    if (parts.length === 1 && only !== undefined) return only
    return { kind: 'composite', operator, parts, labels: null, parenthesised, at }
  }

  #primary(): { expression: SyntaxExpression; parenthesised: boolean } {
    if (!this.#takeSymbol('(')) return { expression: this.#rule(), parenthesised: false }
    const inner = this.#expression()
    this.#expectSymbol(')')
    const labels = this.#takeWord('labels') ? this.#labelList() : null
    return { expression: labels === null ? inner : { ...inner, labels }, parenthesised: true }
  }

  #rule(): SyntaxRule {
    const at = this.#at()
    if (this.#token.kind !== 'identifier') this.#fail('a rule type', 'rule_expected', this.#ruleHint())
    const type = this.#token.text
    this.#advance()
    const parameters = this.#parameters()
    const conditionAt = this.#at()
    const condition = this.#startsCondition() ? this.#condition() : null
    let where: string | null = null
    let whereAt: Position | null = null
    if (this.#takeWord('where')) {
      whereAt = this.#at()
      where = this.#string('a predicate in double quotes')
    }
    const labels = this.#takeWord('labels') ? this.#labelList() : null
    const tags: SyntaxTag[] = []
    while (this.#takeWord('with')) tags.push(this.#tag())
    return { kind: 'rule', type, parameters, condition, conditionAt, where, whereAt, labels, tags, at }
  }

  #ruleHint(): string | null {
    const { kind, text } = this.#token
    if (kind === 'string') return 'Rule types stand without quotes'
    if (text === ',' || text === ']') return 'Remove the comma before it'
    if (text === 'not') return 'A rule cannot be negated: negate its condition'
    return kind === 'word' ? nearestHint(text, RULE_TYPES) : null
  }

  #parameters(): Parameter[] {
    const parameters: Parameter[] = []
    for (;;) {
      const connector = this.#connector()
      const parameter = this.#parameter(connector)
      if (parameter === null) {
        if (connector !== null) this.#fail('a column name', 'parameter_expected', this.#quoteHint())
        return parameters
      }
      parameters.push(parameter)
    }
  }

  /** `of` and `and` belong to the parameters when a parameter follows. */
  #connector(): string | null {
    if (this.#token.kind !== 'word' || !isOneOf(this.#token.text, 'of', 'OF', 'and', 'AND')) return null
    const next = this.#peek()
    const isAnd = isOneOf(this.#token.text, 'and', 'AND')
    if (isAnd && !(next.kind === 'identifier' || next.kind === 'string' || next.text === '$')) return null
    const { text } = this.#token
    this.#advance()
    return text
  }

  #quoteHint(): string | null {
    const { kind, text } = this.#token
    if (kind === 'day' || kind === 'time12' || kind === 'time24') return 'A quoted date or time is not a name'
    return kind === 'word' ? `"${text}" is a reserved word: put it in double quotes` : null
  }

  #parameter(connector: string | null): Parameter | null {
    const at = this.#at()
    const { kind, text } = this.#token
    if (kind === 'identifier' || kind === 'string') {
      this.#advance()
      return { text, quoted: kind === 'string', variable: null, connector, at }
    }
    if (!this.#isSymbol('$')) return null
    const use = this.#variableUse()
    return { text: use.name, quoted: false, variable: use.name, connector, at }
  }

  #variableUse(): VariableUse {
    const at = this.#at()
    this.#expectSymbol('$')
    if (this.#token.kind !== 'identifier') this.#fail('the name of a variable', 'variable_expected')
    const name = this.#token.text
    this.#advance()
    return { kind: 'variable', name, at }
  }

  #tag(): SyntaxTag {
    const at = this.#at()
    if (this.#token.kind !== 'identifier') this.#fail('the name of a tag', 'tag_expected')
    const name = this.#token.text
    this.#advance()
    if (!this.#startsCondition()) this.#fail(`"=" or a comparison after "with ${name}"`, 'syntax')
    const condition = this.#condition()
    if (condition.kind !== 'number' && condition.kind !== 'text')
      throw new Unexpected({
        code: 'tag_value',
        message: `The value of tag "${name}" must be a text or a number`,
        at,
        hint: null,
      })
    return { name, condition, at }
  }

  #analyzer(): Analyzer {
    const at = this.#at()
    if (this.#token.kind !== 'identifier') this.#fail('an analyzer', 'rule_expected', this.#ruleHint())
    const type = this.#token.text
    this.#advance()
    const parameters = this.#parameters()
    if (this.#startsCondition() || ['where', 'labels', 'with'].some((word) => this.#isWord(word)))
      this.#fail('"," or "]"', 'analyzer_condition', 'Analyzers take neither condition nor where, labels or tags')
    return { type, parameters, at }
  }

  // Conditions

  #startsCondition(): boolean {
    const { kind, text } = this.#token
    return (kind === 'word' || kind === 'symbol') && CONDITION_STARTS.includes(text)
  }

  #condition(): SyntaxCondition {
    const at = this.#at()
    const operator = this.#operator()
    const operands = this.#operands(operator, at)
    return this.#unify(operator, operands, at)
  }

  #operator(): Operator {
    const negated = this.#takeWord('not')
    const { text, kind } = this.#token
    if (kind === 'word' && isOneOf(text, 'between', 'in', 'matches')) {
      this.#advance()
      return (negated ? `not ${text}` : text) as Operator
    }
    if (negated) this.#fail('"between", "in" or "matches" after "not"', 'syntax')
    if (COMPARISONS.includes(text)) {
      this.#advance()
      return text as Comparison
    }
    const bang = this.#takeSymbol('!')
    this.#expectSymbol('=')
    return bang ? '!=' : '='
  }

  #operands(operator: Operator, at: Position): Operand[] {
    if (operator.endsWith('between')) {
      const low = this.#operand()
      if (!this.#takeWord('and') && !this.#takeWord('AND')) this.#fail('"and" and the upper bound', 'syntax')
      return [low, this.#operand()]
    }
    if (operator.endsWith('matches')) {
      const raw = this.#string('a pattern in double quotes')
      return [{ kind: 'text', value: { kind: 'text', raw, value: raw } }]
    }
    if (!operator.endsWith('in')) {
      const operand = this.#operand()
      if (operand.kind === 'text' && operand.value.kind === 'variable')
        throw new Unexpected({
          code: 'variable_position',
          message: `Variable "$${operand.value.name}" cannot stand after "${operator}"`,
          at: operand.value.at,
          hint: `Write: in $${operand.value.name}`,
        })
      return [operand]
    }
    if (this.#isSymbol('$')) return [{ kind: 'text', value: this.#variableUse() }]
    return this.#listOperands(operator, at)
  }

  #listOperands(operator: Operator, at: Position): Operand[] {
    if (!this.#isSymbol('[')) this.#fail(`"[" or a variable after "${operator}"`, 'syntax')
    this.#advance()
    if (this.#isSymbol(']'))
      throw new Unexpected({ code: 'empty_list', message: 'A list needs at least one value', at, hint: null })
    const operands: Operand[] = []
    do {
      const operand = this.#operand(true)
      if (operand.kind === 'text' && operand.value.kind === 'variable')
        throw new Unexpected({
          code: 'variable_position',
          message: `Variable "$${operand.value.name}" cannot stand inside a list`,
          at: operand.value.at,
          hint: 'Put all values into the variable and write: in $name',
        })
      operands.push(operand)
    } while (this.#takeSymbol(','))
    this.#expectSymbol(']')
    return operands
  }

  /** One kind for all operands; NULL goes with numbers, texts and dates. */
  #unify(operator: Operator, operands: readonly Operand[], at: Position): SyntaxCondition {
    const kinds = new Set(operands.map(({ kind }) => kind).filter((kind) => kind !== 'null'))
    const [kind = 'number'] = kinds
    const refuse = (message: string, hint: string | null = null): never => {
      throw new Unexpected({ code: 'operand_kind', message, at, hint })
    }
    if (kinds.size > 1)
      return refuse(`Operands of one condition must be of one kind: found ${[...kinds].join(' and ')}`)
    const hasNull = operands.some((each) => each.kind === 'null')
    if (hasNull && (kind === 'duration' || kind === 'size')) return refuse(`NULL cannot stand beside a ${kind}`)
    if (kind === 'text') {
      if (COMPARISONS.includes(operator) || operator.endsWith('between'))
        return refuse(`Texts cannot be compared with "${operator}"`, 'Write numbers without quotes')
      return { kind, operator, operands: operands.map(textOf) }
    }
    const numeric = operator as Comparison
    if (kind === 'date') return { kind, operator: numeric, operands: operands.map(dateOf) }
    if (kind === 'duration')
      return {
        kind,
        operator: numeric,
        operands: operands.flatMap((each) => (each.kind === 'duration' ? [each.value] : [])),
      }
    if (kind === 'size')
      return {
        kind,
        operator: numeric,
        operands: operands.flatMap((each) => (each.kind === 'size' ? [each.value] : [])),
      }
    return { kind: 'number', operator: numeric, operands: operands.map(numberOf) }
  }

  #operand(inList = false): Operand {
    const { kind, text } = this.#token
    if (kind === 'day') {
      this.#advance()
      return { kind: 'date', value: { kind: 'day', text } }
    }
    if (kind === 'time12' || kind === 'time24') return { kind: 'date', value: this.#time() }
    if (kind === 'now') {
      this.#advance()
      return { kind: 'date', value: { kind: 'now' } }
    }
    if (kind === 'symbol' && text === '(' && this.#peek().kind === 'now') return { kind: 'date', value: this.#offset() }
    const keyword = kind === 'word' ? KEYWORDS[text] : undefined
    if (keyword === 'NULL') return this.#nullOperand()
    if (this.#isSymbol('$')) return { kind: 'text', value: this.#variableUse() }
    const textOperand = this.#textOperand(inList)
    if (textOperand !== null) return { kind: 'text', value: textOperand }
    if (kind === 'integer') {
      const unit = this.#peek()
      if (unit.kind === 'word' && DURATION_UNITS.includes(unit.text)) return this.#duration()
      if (unit.kind === 'word' && SIZE_UNITS.includes(unit.text)) return this.#size()
    }
    return { kind: 'number', value: this.#number() }
  }

  #nullOperand(): Operand {
    const next = this.#peek()
    if (next.kind === 'symbol' && isOneOf(next.text, '+', '-', '*', '/'))
      return { kind: 'number', value: this.#number() }
    this.#advance()
    return { kind: 'null' }
  }

  /** A text or keyword, or `null` when none stands here. Texts in lists lose their backslashes. */
  #textOperand(inList: boolean): TextOperand | null {
    const { kind, text } = this.#token
    if (kind === 'string') {
      this.#advance()
      return { kind: 'text', raw: text, value: inList ? withoutBackslashes(text) : text }
    }
    const keyword = kind === 'word' ? KEYWORDS[text] : undefined
    if (keyword === undefined) return null
    this.#advance()
    return { kind: 'keyword', keyword }
  }

  #time(): DateOperand {
    const at = this.#at()
    const { kind, text } = this.#token
    this.#advance()
    const parts = /^(\d+):(\d+)(?: (AM|PM))?$/.exec(text)
    const written = Number(parts?.[1])
    const minutes = Number(parts?.[2])
    const half = parts?.[3]
    const inRange = kind === 'time24' ? written <= 24 : written <= 12
    if (!inRange || minutes > 59 || (kind === 'time24' && written === 24 && minutes > 0))
      throw new Unexpected({
        code: 'time_range',
        message: `Error Parsing Date: "${text}" is no time of day`,
        at,
        hint: null,
      })
    const hours = half === undefined ? written % 24 : (written % 12) + (half === 'PM' ? 12 : 0)
    return { kind: 'time', text, hours, minutes }
  }

  #offset(): DateOperand {
    this.#expectSymbol('(')
    this.#advance()
    const sign = this.#token.text
    if (sign !== '+' && sign !== '-') return this.#fail('"+" or "-" after "now()"', 'syntax')
    this.#advance()
    const duration = this.#duration()
    if (duration.kind !== 'duration') return this.#fail('a duration', 'syntax')
    this.#expectSymbol(')')
    return { kind: 'offset', sign, duration: duration.value }
  }

  #duration(): Operand {
    const amount = this.#wholeNumber()
    const { text } = this.#token
    if (!DURATION_UNITS.includes(text))
      this.#fail('"days", "hours" or "minutes"', 'syntax', nearestHint(text, DURATION_UNITS))
    this.#advance()
    return { kind: 'duration', value: { amount, unit: text as DurationUnit } }
  }

  #size(): Operand {
    const amount = this.#wholeNumber()
    const { text } = this.#token
    this.#advance()
    return { kind: 'size', value: { amount, unit: text as SizeUnit } }
  }

  #wholeNumber(): number {
    const at = this.#at()
    const { kind, text } = this.#token
    if (kind !== 'integer') this.#fail('a whole number', 'syntax')
    this.#advance()
    const amount = Number(text)
    if (amount > 2_147_483_647)
      throw new Unexpected({ code: 'number_range', message: `${text} is more than 2147483647`, at, hint: null })
    return amount
  }

  #number(): NumberExpression {
    let left = this.#atom()
    while (this.#token.kind === 'symbol' && isOneOf(this.#token.text, '+', '-', '*', '/')) {
      const operator = this.#token.text as '+' | '-' | '*' | '/'
      this.#advance()
      left = { kind: 'arithmetic', operator, left, right: this.#atom() }
    }
    return left
  }

  #atom(): NumberExpression {
    if (this.#takeSymbol('-')) {
      const { kind, text } = this.#token
      if (kind !== 'integer' && kind !== 'decimal') this.#fail('a number after "-"', 'syntax')
      this.#advance()
      return { kind: 'literal', text: `-${text}` }
    }
    const { kind, text } = this.#token
    if (kind === 'integer' || kind === 'decimal') {
      this.#advance()
      return { kind: 'literal', text }
    }
    if (kind === 'word' && KEYWORDS[text] === 'NULL') {
      this.#advance()
      return { kind: 'null' }
    }
    if (this.#takeSymbol('(')) {
      const inner = this.#number()
      this.#expectSymbol(')')
      return { kind: 'group', inner }
    }
    if (kind === 'identifier' && this.#peek().text === '(' && this.#peek().kind === 'symbol') return this.#call(text)
    return this.#fail('a value', 'operand_expected', this.#valueHint())
  }

  #valueHint(): string | null {
    const { kind, text } = this.#token
    if (kind !== 'identifier') return null
    if (/^\.\d+$/.test(text)) return `Write 0${text}`
    if (/^\d+\.$/.test(text)) return `Write ${text}0`
    if (/^\d/.test(text)) return 'Numbers are digits, or digits, point, digits'
    return `Texts stand in double quotes: "${text}"`
  }

  #call(name: string): NumberExpression {
    this.#advance()
    this.#expectSymbol('(')
    const values: NumberExpression[] = []
    if (this.#takeSymbol(')')) return { kind: 'call', name, arguments: values }
    do values.push(this.#number())
    while (this.#takeSymbol(','))
    this.#expectSymbol(')')
    return { kind: 'call', name, arguments: values }
  }

  // Tokens

  #read(): Token {
    const token = this.#lexer.next()
    for (const { offset, message, hint } of token.unreadable)
      this.problems.push({ code: 'unreadable', message, at: this.#lines.positionOf(offset), hint: hint ?? null })
    return token
  }

  #advance(): void {
    this.#token = this.#ahead ?? this.#read()
    this.#ahead = null
  }

  #peek(): Token {
    this.#ahead ??= this.#read()
    return this.#ahead
  }

  #at(): Position {
    return this.#lines.positionOf(this.#token.offset)
  }

  #isWord(word: string): boolean {
    return this.#token.kind === 'word' && this.#token.text === word
  }
  #takeWord(word: string): boolean {
    const is = this.#isWord(word)
    if (is) this.#advance()
    return is
  }
  #isSymbol(symbol: string): boolean {
    return this.#token.kind === 'symbol' && this.#token.text === symbol
  }
  #takeSymbol(symbol: string): boolean {
    const is = this.#isSymbol(symbol)
    if (is) this.#advance()
    return is
  }
  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) this.#fail(`"${symbol}"`, 'syntax')
  }
  #string(expected: string): string {
    const { kind, text } = this.#token
    if (kind !== 'string') {
      const dated = kind === 'day' || kind === 'time12' || kind === 'time24'
      this.#fail(expected, 'string_expected', dated ? 'A quoted date or time is not a text' : null)
    }
    this.#advance()
    return text
  }

  // Problems

  #problem(expected: string, code: string, hint: string | null = null): Problem {
    const found = this.#token.kind === 'end' ? 'the end of the text' : `"${this.#token.text}"`
    return { code, message: `Expected ${expected}, found ${found}`, at: this.#at(), hint }
  }
  #fail(expected: string, code: string, hint: string | null = null): never {
    throw new Unexpected(this.#problem(expected, code, hint))
  }
  #report(code: string, message: string, at: Position, hint: string | null = null): void {
    this.problems.push({ code, message, at, hint })
  }

  /** False when the work met something unexpected, which is reported once for each place. */
  #guard(work: () => void): boolean {
    try {
      work()
      return true
    } catch (thrown) {
      if (!(thrown instanceof Unexpected)) throw thrown
      const { line, column } = thrown.problem.at
      const place = line * 1e6 + column
      if (!this.#reported.has(place)) this.problems.push(thrown.problem)
      this.#reported.add(place)
      return false
    }
  }
}

const textOf = (operand: Operand): TextOperand | VariableUse =>
  operand.kind === 'text' ? operand.value : { kind: 'keyword', keyword: 'NULL' }
const dateOf = (operand: Operand): DateOperand => (operand.kind === 'date' ? operand.value : { kind: 'null' })
const numberOf = (operand: Operand): NumberExpression => (operand.kind === 'number' ? operand.value : { kind: 'null' })
