import type {
  Comparison,
  DateOperand,
  DurationUnit,
  NumberExpression,
  Operator,
  Position,
  Size,
  SizeUnit,
  TextKeyword,
  TextOperand,
} from './ast.ts'
import { nearestHint } from './problem.ts'
import type { SyntaxCondition, VariableUse } from './syntax.ts'
import { isOneOf, MAX_DEPTH, TokenCursor, Unexpected } from './token-cursor.ts'

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

/** Conditions and their operands: the first kind that fits. */
export class ConditionParser extends TokenCursor {
  protected variableUse(): VariableUse {
    const at = this.at()
    this.expectSymbol('$')
    if (this.token.kind !== 'identifier') this.fail('the name of a variable', 'variable_expected')
    const name = this.token.text
    this.advance()
    return { kind: 'variable', name, at }
  }

  protected startsCondition(): boolean {
    const { kind, text } = this.token
    return (kind === 'word' || kind === 'symbol') && CONDITION_STARTS.includes(text)
  }

  protected condition(): SyntaxCondition {
    const at = this.at()
    const operator = this.operator()
    const operands = this.operands(operator, at)
    return this.unify(operator, operands, at)
  }

  protected operator(): Operator {
    const negated = this.takeWord('not')
    const { text, kind } = this.token
    if (kind === 'word' && isOneOf(text, 'between', 'in', 'matches')) {
      this.advance()
      return (negated ? `not ${text}` : text) as Operator
    }
    if (negated) this.fail('"between", "in" or "matches" after "not"', 'syntax')
    if (COMPARISONS.includes(text)) {
      this.advance()
      return text as Comparison
    }
    const bang = this.takeSymbol('!')
    this.expectSymbol('=')
    return bang ? '!=' : '='
  }

  protected operands(operator: Operator, at: Position): Operand[] {
    if (operator.endsWith('between')) {
      const low = this.operand()
      if (!this.takeWord('and') && !this.takeWord('AND')) this.fail('"and" and the upper bound', 'syntax')
      return [low, this.operand()]
    }
    if (operator.endsWith('matches')) {
      const raw = this.string('a pattern in double quotes')
      return [{ kind: 'text', value: { kind: 'text', raw, value: raw } }]
    }
    if (!operator.endsWith('in')) {
      const operand = this.operand()
      if (operand.kind === 'text' && operand.value.kind === 'variable')
        throw new Unexpected({
          code: 'variable_position',
          message: `Variable "$${operand.value.name}" cannot stand after "${operator}"`,
          at: operand.value.at,
          hint: `Write: in $${operand.value.name}`,
        })
      return [operand]
    }
    if (this.isSymbol('$')) return [{ kind: 'text', value: this.variableUse() }]
    return this.listOperands(operator, at)
  }

  protected listOperands(operator: Operator, at: Position): Operand[] {
    if (!this.isSymbol('[')) this.fail(`"[" or a variable after "${operator}"`, 'syntax')
    this.advance()
    if (this.isSymbol(']'))
      throw new Unexpected({ code: 'empty_list', message: 'A list needs at least one value', at, hint: null })
    const operands: Operand[] = []
    do {
      const operand = this.operand(true)
      if (operand.kind === 'text' && operand.value.kind === 'variable')
        throw new Unexpected({
          code: 'variable_position',
          message: `Variable "$${operand.value.name}" cannot stand inside a list`,
          at: operand.value.at,
          hint: 'Put all values into the variable and write: in $name',
        })
      operands.push(operand)
    } while (this.takeSymbol(','))
    this.expectSymbol(']')
    return operands
  }

  /** One kind for all operands; NULL goes with numbers, texts and dates. */
  protected unify(operator: Operator, operands: readonly Operand[], at: Position): SyntaxCondition {
    const kind = operands.find(isNotNull)?.kind ?? 'number'
    for (const operand of operands) {
      if (operand.kind === kind) continue
      if (isNotNull(operand))
        return refuse(`Operands of one condition must be of one kind: found ${kind} and ${operand.kind}`, at)
      if (kind === 'duration' || kind === 'size') return refuse(`NULL cannot stand beside a ${kind}`, at)
    }
    if (kind === 'text') {
      if (COMPARISONS.includes(operator) || operator.endsWith('between'))
        return refuse(`Texts cannot be compared with "${operator}"`, at, 'Write numbers without quotes')
      return { kind, operator, operands: operands.map(textOf) }
    }
    const numeric = operator as Comparison
    if (kind === 'number') return { kind, operator: numeric, operands: operands.map(numberOf) }
    if (kind === 'date') return { kind, operator: numeric, operands: operands.map(dateOf) }
    if (kind === 'duration')
      return {
        kind,
        operator: numeric,
        operands: operands.flatMap((each) => (each.kind === 'duration' ? [each.value] : [])),
      }
    return {
      kind,
      operator: numeric,
      operands: operands.flatMap((each) => (each.kind === 'size' ? [each.value] : [])),
    }
  }

  protected operand(inList = false): Operand {
    const { kind, text } = this.token
    if (kind === 'day') {
      this.advance()
      return { kind: 'date', value: { kind: 'day', text } }
    }
    if (kind === 'time12' || kind === 'time24') return { kind: 'date', value: this.time() }
    if (kind === 'now') {
      this.advance()
      return { kind: 'date', value: { kind: 'now' } }
    }
    if (kind === 'symbol' && text === '(' && this.peek().kind === 'now') return { kind: 'date', value: this.offset() }
    const keyword = kind === 'word' ? KEYWORDS[text] : undefined
    if (keyword === 'NULL') return this.nullOperand()
    if (this.isSymbol('$')) return { kind: 'text', value: this.variableUse() }
    const textOperand = this.textOperand(inList)
    if (textOperand !== null) return { kind: 'text', value: textOperand }
    if (kind === 'integer') {
      const unit = this.peek()
      if (unit.kind === 'word' && DURATION_UNITS.includes(unit.text)) return this.duration()
      if (unit.kind === 'word' && SIZE_UNITS.includes(unit.text)) return this.size()
    }
    return { kind: 'number', value: this.number() }
  }

  protected nullOperand(): Operand {
    const next = this.peek()
    if (next.kind === 'symbol' && isOneOf(next.text, '+', '-', '*', '/'))
      return { kind: 'number', value: this.number() }
    this.advance()
    return { kind: 'null' }
  }

  /** A text or keyword, or `null` when none stands here. Texts in lists lose their backslashes. */
  protected textOperand(inList: boolean): TextOperand | null {
    const { kind, text } = this.token
    if (kind === 'string') {
      this.advance()
      return { kind: 'text', raw: text, value: inList ? withoutBackslashes(text) : text }
    }
    const keyword = kind === 'word' ? KEYWORDS[text] : undefined
    if (keyword === undefined) return null
    this.advance()
    return { kind: 'keyword', keyword }
  }

  protected time(): DateOperand {
    const at = this.at()
    const { kind, text } = this.token
    this.advance()
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

  protected offset(): DateOperand {
    this.expectSymbol('(')
    this.advance()
    const sign = this.token.text
    if (sign !== '+' && sign !== '-') return this.fail('"+" or "-" after "now()"', 'syntax')
    this.advance()
    const duration = this.duration()
    if (duration.kind !== 'duration') return this.fail('a duration', 'syntax')
    this.expectSymbol(')')
    return { kind: 'offset', sign, duration: duration.value }
  }

  protected duration(): Operand {
    const amount = this.wholeNumber()
    const { text } = this.token
    if (!DURATION_UNITS.includes(text))
      this.fail('"days", "hours" or "minutes"', 'syntax', nearestHint(text, DURATION_UNITS))
    this.advance()
    return { kind: 'duration', value: { amount, unit: text as DurationUnit } }
  }

  protected size(): Operand {
    const amount = this.wholeNumber()
    const { text } = this.token
    this.advance()
    return { kind: 'size', value: { amount, unit: text as SizeUnit } }
  }

  protected wholeNumber(): number {
    const at = this.at()
    const { kind, text } = this.token
    if (kind !== 'integer') this.fail('a whole number', 'syntax')
    this.advance()
    const amount = Number(text)
    if (amount > 2_147_483_647)
      throw new Unexpected({ code: 'number_range', message: `${text} is more than 2147483647`, at, hint: null })
    return amount
  }

  protected number(): NumberExpression {
    let left = this.atom()
    let terms = 1
    while (this.token.kind === 'symbol' && isOneOf(this.token.text, '+', '-', '*', '/')) {
      const operator = this.token.text as '+' | '-' | '*' | '/'
      this.advance()
      left = { kind: 'arithmetic', operator, left, right: this.atom() }
      terms += 1
      if (terms > MAX_DEPTH)
        this.fail(`at most ${MAX_DEPTH} terms`, 'nested_too_deep', 'Put some of them into parentheses')
    }
    return left
  }

  protected atom(): NumberExpression {
    if (this.takeSymbol('-')) {
      const { kind, text } = this.token
      if (kind !== 'integer' && kind !== 'decimal') this.fail('a number after "-"', 'syntax')
      this.advance()
      return { kind: 'literal', text: `-${text}` }
    }
    const { kind, text } = this.token
    if (kind === 'integer' || kind === 'decimal') {
      this.advance()
      return { kind: 'literal', text }
    }
    if (kind === 'word' && KEYWORDS[text] === 'NULL') {
      this.advance()
      return { kind: 'null' }
    }
    if (this.takeSymbol('(')) {
      const inner = this.deeper(() => this.number())
      this.expectSymbol(')')
      return { kind: 'group', inner }
    }
    if (kind === 'identifier' && this.peek().text === '(' && this.peek().kind === 'symbol') return this.call(text)
    return this.fail('a value', 'operand_expected', this.valueHint())
  }

  protected valueHint(): string | null {
    const { kind, text } = this.token
    if (text === '>' || text === '<') return `Write "${text}="`
    if (text === '=') return 'Write one "="'
    if (kind !== 'identifier') return null
    if (/^\.\d+$/.test(text)) return `Write 0${text}`
    if (/^\d+\.$/.test(text)) return `Write ${text}0`
    if (/^\d/.test(text)) return 'Numbers are digits, or digits, point, digits'
    return `Texts stand in double quotes: "${text}"`
  }

  protected call(name: string): NumberExpression {
    this.advance()
    this.expectSymbol('(')
    const values: NumberExpression[] = []
    if (this.takeSymbol(')')) return { kind: 'call', name, arguments: values }
    do values.push(this.deeper(() => this.number()))
    while (this.takeSymbol(','))
    this.expectSymbol(')')
    return { kind: 'call', name, arguments: values }
  }
}

const refuse = (message: string, at: Position, hint: string | null = null): never => {
  throw new Unexpected({ code: 'operand_kind', message, at, hint })
}
const isNotNull = (operand: Operand): operand is Exclude<Operand, { kind: 'null' }> => operand.kind !== 'null'
const textOf = (operand: Operand): TextOperand | VariableUse =>
  operand.kind === 'text' ? operand.value : { kind: 'keyword', keyword: 'NULL' }
const dateOf = (operand: Operand): DateOperand => (operand.kind === 'date' ? operand.value : { kind: 'null' })
const numberOf = (operand: Operand): NumberExpression => (operand.kind === 'number' ? operand.value : { kind: 'null' })
