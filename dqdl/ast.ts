/** Where something stands in a ruleset: line and column from 1; columns count UTF-16 code units, as editors do. */
export interface Position {
  readonly line: number
  readonly column: number
}

export interface Label {
  readonly key: string
  readonly value: string
}

export type Comparison = '>' | '>=' | '<' | '<=' | '=' | '!='
/** `between` excludes both bounds, `not between` includes them. */
export type RangeOperator = 'between' | 'not between'
export type ListOperator = 'in' | 'not in'
export type PatternOperator = 'matches' | 'not matches'
export type Operator = Comparison | RangeOperator | ListOperator | PatternOperator

export type ArithmeticOperator = '+' | '-' | '*' | '/'
/** A number operand. Arithmetic has one precedence level and is read from left to right. */
export type NumberExpression =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'null' }
  | { readonly kind: 'call'; readonly name: string; readonly arguments: readonly NumberExpression[] }
  | { readonly kind: 'group'; readonly inner: NumberExpression }
  | {
      readonly kind: 'arithmetic'
      readonly operator: ArithmeticOperator
      readonly left: NumberExpression
      readonly right: NumberExpression
    }

export type TextKeyword = 'NULL' | 'EMPTY' | 'WHITESPACES_ONLY'
/** `raw` is what stands between the quotes; `value` is the text that is compared. */
export type TextOperand =
  | { readonly kind: 'text'; readonly raw: string; readonly value: string }
  | { readonly kind: 'keyword'; readonly keyword: TextKeyword }

export type DurationUnit = 'days' | 'hours' | 'minutes'
export interface Duration {
  readonly amount: number
  readonly unit: DurationUnit
}
export type DateOperand =
  /** A calendar day, `YYYY-MM-DD`; it may be impossible. */
  | { readonly kind: 'day'; readonly text: string }
  /** Today at that time in the zone of the tag `timeZone`; hours 0 to 23. */
  | { readonly kind: 'time'; readonly text: string; readonly hours: number; readonly minutes: number }
  | { readonly kind: 'now' }
  | { readonly kind: 'offset'; readonly sign: '+' | '-'; readonly duration: Duration }
  | { readonly kind: 'null' }

export type SizeUnit = 'B' | 'KB' | 'MB' | 'GB' | 'TB'
/** `amount` as written, a whole number; factor 1024 between units. */
export interface Size {
  readonly amount: number
  readonly unit: SizeUnit
}

export interface NumberCondition {
  readonly kind: 'number'
  readonly operator: Comparison | RangeOperator | ListOperator
  readonly operands: readonly NumberExpression[]
}
export interface TextCondition {
  readonly kind: 'text'
  readonly operator: '=' | '!=' | ListOperator | PatternOperator
  /** Variables are already replaced. */
  readonly operands: readonly TextOperand[]
  /** The variable that stands for the operands (`in $name`). */
  readonly variable: string | null
}
export interface DateCondition {
  readonly kind: 'date'
  readonly operator: Comparison | RangeOperator | ListOperator
  readonly operands: readonly DateOperand[]
}
export interface DurationCondition {
  readonly kind: 'duration'
  readonly operator: Comparison | RangeOperator | ListOperator
  readonly operands: readonly Duration[]
}
export interface SizeCondition {
  readonly kind: 'size'
  readonly operator: Comparison | RangeOperator | ListOperator
  readonly operands: readonly Size[]
}
export type Condition = NumberCondition | TextCondition | DateCondition | DurationCondition | SizeCondition

export interface Parameter {
  /** The text that is used: quotes removed, backslashes kept, variables replaced. */
  readonly text: string
  readonly quoted: boolean
  readonly variable: string | null
  /** `of` or `and` before the parameter, as written; it means nothing. */
  readonly connector: string | null
  readonly at: Position
}

/** `with name = value`; `threshold` with a number condition is not a tag but {@link Rule.threshold}. */
export interface Tag {
  readonly name: string
  readonly value: TextOperand | NumberExpression
  readonly at: Position
}

export interface Rule {
  readonly kind: 'rule'
  readonly type: string
  readonly parameters: readonly Parameter[]
  readonly condition: Condition | null
  readonly conditionAt: Position | null
  /** A Spark SQL predicate. */
  readonly where: string | null
  readonly whereAt: Position | null
  /** `null`: the default labels alone. */
  readonly labels: readonly Label[] | null
  readonly threshold: NumberCondition | null
  readonly thresholdAt: Position | null
  readonly tags: readonly Tag[]
  readonly at: Position
}
export interface Composite {
  readonly kind: 'composite'
  readonly operator: 'and' | 'or'
  readonly parts: readonly RuleExpression[]
  readonly labels: readonly Label[] | null
  /** True when each rule that is a part stands in parentheses of its own. */
  readonly parenthesised: boolean
  readonly at: Position
}
export type RuleExpression = Rule | Composite

export interface Analyzer {
  readonly type: string
  readonly parameters: readonly Parameter[]
  readonly at: Position
}

export interface Variable {
  readonly name: string
  readonly list: boolean
  readonly operands: readonly TextOperand[]
  readonly at: Position
}

/** A parsed, checked ruleset: what the reference parser accepts. */
export interface Ruleset {
  readonly version: string | null
  readonly metadata: readonly { readonly key: string; readonly values: readonly string[]; readonly list: boolean }[]
  readonly sources: readonly { readonly key: string; readonly values: readonly string[]; readonly list: boolean }[]
  readonly variables: readonly Variable[]
  readonly defaultLabels: readonly Label[]
  readonly rules: readonly RuleExpression[]
  readonly analyzers: readonly Analyzer[]
}

/** The rules in an expression, from left to right. */
export const leavesOf = (expression: RuleExpression): readonly Rule[] =>
  expression.kind === 'rule' ? [expression] : expression.parts.flatMap(leavesOf)
