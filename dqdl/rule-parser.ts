import type { Analyzer, Label, Parameter, Position } from './ast.ts'
import { ConditionParser } from './condition-parser.ts'
import { nearestHint } from './problem.ts'
import { formsOf, RULE_TYPES } from './rule-types.ts'
import type { SyntaxExpression, SyntaxLabels, SyntaxRule, SyntaxTag } from './syntax.ts'
import { isOneOf, Unexpected } from './token-cursor.ts'

/** A rule or composite, and whether it stands in parentheses of its own. */
interface Part {
  readonly expression: SyntaxExpression
  readonly parenthesised: boolean
}

/** Rules, composites and analyzers. */
export class RuleParser extends ConditionParser {
  protected readonly replacedLabels: SyntaxLabels[] = []

  protected labelList(): SyntaxLabels {
    const at = this.at()
    this.expectSymbol('=')
    const pairs: (Label & { at: Position })[] = []
    this.list(true, () => {
      const pairAt = this.at()
      const key = this.string('a label key in double quotes')
      this.expectSymbol('=')
      pairs.push({ key, value: this.string('a label value in double quotes'), at: pairAt })
    })
    return { pairs, at }
  }

  protected expression(): SyntaxExpression {
    return this.joined('or', () => this.joined('and', () => this.primary())).expression
  }

  /** One part, or several with an operator between them. */
  protected joined(operator: 'and' | 'or', part: () => Part): Part {
    const at = this.at()
    const first = part()
    if (!this.isLogical(operator)) return first
    const parts = [first]
    while (this.isLogical(operator)) {
      this.advance()
      parts.push(part())
    }
    const parenthesised = parts.every((each) => each.parenthesised || each.expression.kind === 'composite')
    const expressions = parts.map(({ expression }) => expression)
    const expression = { kind: 'composite', operator, parts: expressions, labels: null, parenthesised, at } as const
    return { expression, parenthesised: false }
  }

  protected isLogical(operator: 'and' | 'or'): boolean {
    const { kind, text } = this.token
    return kind === 'word' && (text === operator || text === operator.toUpperCase())
  }

  protected primary(): Part {
    if (!this.takeSymbol('(')) return { expression: this.rule(), parenthesised: false }
    const inner = this.deeper(() => this.expression())
    this.expectSymbol(')')
    const labels = this.takeWord('labels') ? this.labelList() : null
    if (labels !== null && inner.labels !== null) this.replacedLabels.push(inner.labels)
    return { expression: labels === null ? inner : { ...inner, labels }, parenthesised: true }
  }

  protected rule(): SyntaxRule {
    const at = this.at()
    if (this.token.kind !== 'identifier') this.fail('a rule type', 'rule_expected', this.ruleHint())
    const type = this.token.text
    this.advance()
    const parameters = this.parameters()
    const conditionAt = this.at()
    const condition = this.startsCondition() ? this.condition() : null
    let where: string | null = null
    let whereAt: Position | null = null
    if (this.takeWord('where')) {
      whereAt = this.at()
      where = this.string('a predicate in double quotes')
    }
    const labels = this.takeWord('labels') ? this.labelList() : null
    const tags: SyntaxTag[] = []
    while (this.takeWord('with')) tags.push(this.tag())
    return { kind: 'rule', type, parameters, condition, conditionAt, where, whereAt, labels, tags, at }
  }

  protected override startsItem(): boolean {
    return this.token.kind === 'identifier' && formsOf(this.token.text).length > 0
  }

  protected ruleHint(): string | null {
    const { kind, text } = this.token
    if (kind === 'string') return 'Rule types stand without quotes'
    if (kind === 'integer') return 'Decimals have a point: 0.5'
    if (text === ',' || text === ']') return 'Remove the comma before it'
    if (text === 'not') return 'A rule cannot be negated: negate its condition'
    return kind === 'word' ? nearestHint(text, RULE_TYPES) : null
  }

  protected parameters(): Parameter[] {
    const parameters: Parameter[] = []
    for (;;) {
      const connector = this.connector()
      const parameter = this.parameter(connector)
      if (parameter === null) {
        if (connector !== null) this.fail('a column name', 'parameter_expected', this.quoteHint())
        return parameters
      }
      parameters.push(parameter)
    }
  }

  /** `of` and `and` belong to the parameters when a parameter follows. */
  protected connector(): string | null {
    if (this.token.kind !== 'word' || !isOneOf(this.token.text, 'of', 'OF', 'and', 'AND')) return null
    const next = this.peek()
    const isAnd = isOneOf(this.token.text, 'and', 'AND')
    if (isAnd && !(next.kind === 'identifier' || next.kind === 'string' || next.text === '$')) return null
    const { text } = this.token
    this.advance()
    return text
  }

  protected quoteHint(): string | null {
    const { kind, text } = this.token
    if (kind === 'day' || kind === 'time12' || kind === 'time24') return 'A quoted date or time is not a name'
    return kind === 'word' ? `"${text}" is a reserved word: put it in double quotes` : null
  }

  protected parameter(connector: string | null): Parameter | null {
    const at = this.at()
    const { kind, text } = this.token
    if (kind === 'identifier' || kind === 'string') {
      this.advance()
      return { text, quoted: kind === 'string', variable: null, connector, at }
    }
    if (!this.isSymbol('$')) return null
    const use = this.variableUse()
    return { text: use.name, quoted: false, variable: use.name, connector, at }
  }

  protected tag(): SyntaxTag {
    const at = this.at()
    if (this.token.kind !== 'identifier') this.fail('the name of a tag', 'tag_expected')
    const name = this.token.text
    this.advance()
    if (!this.startsCondition()) this.fail(`"=" or a comparison after "with ${name}"`, 'syntax')
    const condition = this.condition()
    if (condition.kind !== 'number' && condition.kind !== 'text')
      throw new Unexpected({
        code: 'tag_value',
        message: `The value of tag "${name}" must be a text or a number`,
        at,
        hint: null,
      })
    return { name, condition, at }
  }

  protected analyzer(): Analyzer {
    const at = this.at()
    if (this.token.kind !== 'identifier') this.fail('an analyzer', 'rule_expected', this.ruleHint())
    const type = this.token.text
    this.advance()
    const parameters = this.parameters()
    if (this.startsCondition() || ['where', 'labels', 'with'].some((word) => this.isWord(word)))
      this.fail('"," or "]"', 'analyzer_condition', 'Analyzers take neither condition nor where, labels or tags')
    return { type, parameters, at }
  }
}
