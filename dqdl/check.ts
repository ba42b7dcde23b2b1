import type {
  Analyzer,
  Condition,
  Label,
  NumberExpression,
  Parameter,
  Position,
  Rule,
  RuleExpression,
  Ruleset,
  Tag,
  TextOperand,
  Variable,
} from './ast.ts'
import type { ParseMemo } from './parse-memo.ts'
import { nearestHint, type Problem } from './problem.ts'
import { ANALYZER_TYPES, formOf, formsOf, RULE_TYPES, type RuleForm } from './rule-types.ts'
import type {
  SyntaxCondition,
  SyntaxDocument,
  SyntaxExpression,
  SyntaxLabels,
  SyntaxPair,
  SyntaxRule,
  SyntaxTag,
} from './syntax.ts'
import { isTimeZone } from './time-zone.ts'

const MAX_LABELS = 10
const MAX_KEY_LENGTH = 128
const MAX_VALUE_LENGTH = 256
const METADATA_KEYS = ['Version']
const SOURCE_KEYS = ['Primary', 'AdditionalDataSources']

const NO_TAGS: Pick<Rule, 'tags' | 'threshold' | 'thresholdAt'> = { tags: [], threshold: null, thresholdAt: null }

/** The checks behind the grammar: what the reference refuses after it has parsed. Makes a ruleset of what is sound. */
export class Checker {
  readonly problems: Problem[] = []
  readonly #variables = new Map<string, Variable>()
  readonly #memo: ParseMemo | null
  #defaultLabels: readonly Label[] = []

  constructor(memo: ParseMemo | null = null) {
    this.#memo = memo
  }

  /** @param complete false when the grammar already refused something: then "nothing to do" is not reported */
  check(document: SyntaxDocument, complete: boolean): Ruleset {
    this.#metadata(document)
    for (const variable of document.variables) this.#variable(variable)
    if (document.defaultLabels !== null) this.#defaultLabels = this.#labels(document.defaultLabels, 0) ?? []
    this.#memo?.surrounded(this.#surroundings())
    const rules = document.rules.flatMap((rule) => this.#topLevel(rule) ?? [])
    for (const labels of document.replacedLabels) this.#ownLabels(labels)
    const analyzers = document.analyzers.filter((analyzer) => this.#analyzer(analyzer))
    if (complete && document.rules.length === 0 && document.analyzers.length === 0)
      this.#report('nothing_to_do', 'No rules or analyzers provided.', document.bodyAt)
    return {
      version: document.metadata?.findLast(({ key }) => key === 'Version')?.values.at(-1) ?? null,
      metadata: (document.metadata ?? []).map(withoutPosition),
      sources: (document.sources ?? []).map(withoutPosition),
      variables: [...this.#variables.values()],
      defaultLabels: this.#defaultLabels,
      rules,
      analyzers,
    }
  }

  /** What the rules refer to, wherever it stands. */
  #surroundings(): string {
    const variables = [...this.#variables.values()].map(({ name, list, operands }) => [name, list, operands])
    return JSON.stringify([this.#defaultLabels, variables])
  }

  #report(code: string, message: string, at: Position, hint: string | null = null): void {
    this.problems.push({ code, message, at, hint })
  }

  #metadata({ metadata, sources }: SyntaxDocument): void {
    for (const { key, at } of metadata ?? [])
      if (!METADATA_KEYS.includes(key))
        this.#report(
          'unknown_key',
          `Unsupported key provided in Metadata section: "${key}"`,
          at,
          nearestHint(key, METADATA_KEYS),
        )
    for (const { key, list, at } of sources ?? []) {
      if (!SOURCE_KEYS.includes(key))
        this.#report(
          'unknown_key',
          `Unsupported key provided in Sources section: "${key}"`,
          at,
          nearestHint(key, SOURCE_KEYS),
        )
      else if (key === 'AdditionalDataSources' && !list)
        this.#report('additional_sources', 'Additional sources must be an array of values.', at)
    }
  }

  #variable(variable: Variable): void {
    const { name, at, operands } = variable
    if (/^[._]/.test(name)) this.#report('variable_name', `Variable name '${name}' cannot start with '.' or '_'`, at)
    if (this.#variables.has(name)) this.#report('variable_twice', `Variable '${name}' is already defined`, at)
    if (operands.some((each) => each.kind === 'text' && /\$[A-Za-z_]/.test(each.raw)))
      this.#report('variable_nested', `Nested variables are not supported in variable '${name}'`, at)
    this.#variables.set(name, variable)
  }

  /** @returns `null` when the list is refused */
  #labels({ pairs, at }: SyntaxLabels, defaults: number): readonly Label[] | null {
    const before = this.problems.length
    if (pairs.length === 0) this.#report('labels_empty', 'Labels must have at least one label', at)
    const seen = new Set<string>()
    for (const { key, value, at: pairAt } of pairs) {
      if (key === '' || value === '') this.#report('label_empty', 'Label key or value cannot be empty', pairAt)
      this.#labelLength('key', key, MAX_KEY_LENGTH, pairAt)
      this.#labelLength('value', value, MAX_VALUE_LENGTH, pairAt)
      if (seen.has(key)) this.#report('label_twice', 'Duplicate label key. Key must be unique.', pairAt)
      seen.add(key)
    }
    if (pairs.length + defaults > MAX_LABELS)
      this.#report('labels_too_many', `Number of labels exceed maximum allowed (MAX: ${MAX_LABELS})`, at)
    return this.problems.length > before ? null : pairs.map(({ key, value }) => ({ key, value }))
  }

  #labelLength(part: 'key' | 'value', text: string, limit: number, at: Position): void {
    if (text.length > limit)
      this.#report(
        'label_too_long',
        `Label ${part} has length ${text.length} exceeding the maximum length of ${limit} characters`,
        at,
      )
  }

  #topLevel(syntax: SyntaxExpression): RuleExpression | null {
    const known = this.#memo?.checked(syntax)
    if (known !== undefined) return known
    const problems = this.problems.length
    const rule = this.#expression(syntax)
    if (rule !== null && this.problems.length === problems) this.#memo?.keepChecked(syntax, rule)
    return rule
  }

  #expression(syntax: SyntaxExpression): RuleExpression | null {
    if (syntax.kind === 'rule') return this.#rule(syntax)
    const parts = syntax.parts.map((part) => this.#expression(part))
    const labels = this.#ownLabels(syntax.labels)
    const sound = parts.filter((part) => part !== null)
    if (sound.length < parts.length) return null
    return { ...syntax, parts: sound, labels }
  }

  #ownLabels(labels: SyntaxLabels | null): readonly Label[] | null {
    return labels === null ? null : this.#labels(labels, this.#defaultLabels.length)
  }

  #rule(syntax: SyntaxRule): Rule | null {
    const before = this.problems.length
    const form = this.#form(syntax)
    if (form === null) return null
    this.#where(syntax, form)
    const { tags, threshold, thresholdAt } = this.#tags(syntax, form)
    const labels = this.#ownLabels(syntax.labels)
    const condition = this.#condition(syntax, form, tags)
    const parameters = syntax.parameters.map((parameter) => this.#parameter(parameter))
    if (this.problems.length > before) return null
    const { kind, type, conditionAt, where, whereAt, at } = syntax
    return { kind, type, parameters, condition, conditionAt, where, whereAt, labels, threshold, thresholdAt, tags, at }
  }

  #form({ type, parameters, at }: SyntaxRule): RuleForm | null {
    const form = formOf(type, parameters.length)
    if (form !== undefined && !form.analyzerOnly) return form
    if (form !== undefined) {
      this.#report('analyzer_as_rule', `Analyzer Type: ${type} is not supported in rules section`, at)
      return null
    }
    this.#report('rule_type', `Rule Type: ${type} is not valid`, at, this.#typeHint(type, parameters))
    return null
  }

  #typeHint(type: string, parameters: readonly Parameter[]): string | null {
    const forms = formsOf(type)
    if (forms.length === 0) return nearestHint(type, RULE_TYPES)
    const misplaced = parameters.find(({ text, quoted }) => !quoted && isMisspelledKeyword(text))
    if (misplaced !== undefined)
      return `"${misplaced.text}" is read as a column name: write "${misplaced.text.toLowerCase()}"`
    const near = parameters
      .filter(({ quoted }) => !quoted)
      .map(({ text }) => ({ text, hint: text.length < 3 ? null : nearestHint(text, PARAMETER_LIKE) }))
      .find(({ hint }) => hint !== null)
    if (near !== undefined) return `"${near.text}" is read as a column name; n${near.hint?.slice(1)}`
    const nextRule = parameters.find(
      ({ text, quoted, connector }) => !quoted && connector !== null && formsOf(text).length > 0,
    )
    if (nextRule !== undefined) return `Put each rule in parentheses: (${type} …) and (${nextRule.text} …)`
    const counts = forms.map(({ minParameters, maxParameters }) => countText(minParameters, maxParameters)).join(' or ')
    return `${type} takes ${counts}, found ${parameters.length}`
  }

  #where({ type, where, whereAt, at }: SyntaxRule, form: RuleForm): void {
    if (where === null) return
    if (!form.where)
      this.#report('where_unsupported', `Where clause is not supported for rule type: ${type}`, whereAt ?? at)
    else if (where === '')
      this.#report('where_empty', `Empty where condition provided for rule type: ${type}`, whereAt ?? at)
  }

  #tags({ type, tags }: SyntaxRule, form: RuleForm): Pick<Rule, 'tags' | 'threshold' | 'thresholdAt'> {
    if (tags.length === 0) return NO_TAGS
    const plain = new Map<string, Tag>()
    let threshold: Rule['threshold'] = null
    let thresholdAt: Position | null = null
    for (const tag of tags) {
      if (tag.name.toLowerCase() === 'threshold' && tag.condition.kind === 'number' && !fitsText(tag.condition)) {
        if (!form.threshold)
          this.#report('threshold_unsupported', `Threshold condition not supported for rule type: ${type}`, tag.at)
        else if (threshold !== null)
          this.#report('threshold_twice', 'Only one threshold condition at a time is supported.', tag.at)
        threshold = tag.condition
        thresholdAt = tag.at
        continue
      }
      const value = this.#tagValue(tag)
      if (value !== null) plain.set(tag.name, { name: tag.name, value, at: tag.at })
    }
    return { tags: [...plain.values()], threshold, thresholdAt }
  }

  #tagValue({ condition, at }: SyntaxTag): Tag['value'] | null {
    if (condition.operator !== '=') {
      const kind = condition.kind === 'number' ? 'Number' : 'String'
      this.#report('tag_operator', `${kind} tags only support the equality operator.`, at)
      return null
    }
    const [value] = condition.operands
    return value === undefined || value.kind === 'variable' ? null : value
  }

  #parameter(parameter: Parameter): Parameter {
    if (parameter.variable === null) return parameter
    const variable = this.#variables.get(parameter.variable)
    if (variable === undefined) {
      this.#unknownVariable('parameters', parameter.variable, parameter.at)
      return parameter
    }
    const [first] = variable.operands
    if (variable.list || first === undefined) {
      this.#report(
        'variable_type',
        `Error resolving parameters: Invalid variable type for '${variable.name}': expected STRING, but got STRING_ARRAY`,
        parameter.at,
      )
      return parameter
    }
    return { ...parameter, text: plainText(first) }
  }

  #unknownVariable(part: string, name: string, at: Position): void {
    this.#report(
      'variable_unknown',
      `Error resolving ${part}: Variable not found: ${name}`,
      at,
      nearestHint(name, [...this.#variables.keys()]),
    )
  }

  #condition(syntax: SyntaxRule, form: RuleForm, tags: readonly Tag[]): Condition | null {
    const { condition, conditionAt, type } = syntax
    if (condition === null) {
      if (form.conditions.length > 0 && !form.conditionOptional)
        this.#conditionKind(syntax, form, 'A condition is missing')
      return null
    }
    const converted = form.conditions.includes('size') && condition.kind === 'number' ? bareSizes(condition) : condition
    if (converted === null) {
      this.#report(
        'size_expression',
        'Error parsing condition for return type: SIZE',
        conditionAt,
        'Write whole numbers, such as 5 KB',
      )
      return null
    }
    if (!form.conditions.includes(converted.kind)) {
      this.#conditionKind(syntax, form, conditionHint(type, condition))
      return null
    }
    if (converted.kind === 'date') this.#timeZone(syntax, converted, tags)
    return converted.kind === 'text' ? this.#textCondition(converted, conditionAt) : converted
  }

  #conditionKind({ type, conditionAt }: SyntaxRule, form: RuleForm, hint: string | null): void {
    const returns =
      form.conditions.length === 0
        ? 'boolean'
        : form.conditions.map((kind) => (kind === 'text' ? 'string' : kind)).join('/')
    this.#report(
      'condition_kind',
      `Unexpected condition for rule of type ${type} with ${returns} return type`,
      conditionAt,
      hint,
    )
  }

  #timeZone({ conditionAt }: SyntaxRule, condition: Condition & { kind: 'date' }, tags: readonly Tag[]): void {
    if (!condition.operands.some(({ kind }) => kind === 'time')) return
    const tag = tags.find(({ name }) => name === 'timeZone')
    if (tag === undefined) return
    const zone = tag.value.kind === 'text' ? tag.value.value : null
    if (zone === null || !isTimeZone(zone))
      this.#report(
        'time_zone',
        `Error Parsing Time Zone: ${zone ?? 'the value is no text'}`,
        conditionAt,
        'Write an IANA name such as "Europe/Berlin"',
      )
  }

  #textCondition(condition: SyntaxCondition & { kind: 'text' }, at: Position): Condition | null {
    const operator = condition.operator as Extract<Condition, { kind: 'text' }>['operator']
    const [first] = condition.operands
    if (first?.kind !== 'variable') {
      const operands = condition.operands.flatMap((each) => (each.kind === 'variable' ? [] : [each]))
      return { kind: 'text', operator, operands, variable: null }
    }
    const variable = this.#variables.get(first.name)
    if (variable === undefined) {
      this.#unknownVariable('condition', first.name, at)
      return null
    }
    // Keywords in a variable are compared as the texts they are written with.
    const operands = variable.operands.map((each): TextOperand => {
      const text = plainText(each)
      return { kind: 'text', raw: each.kind === 'text' ? each.raw : text, value: text }
    })
    return { kind: 'text', operator, operands, variable: first.name }
  }

  #analyzer({ type, parameters, at }: Analyzer): boolean {
    const form = formOf(type, parameters.length)
    if (form === undefined) {
      const known = formsOf(type).length > 0
      const hint = known ? this.#typeHint(type, parameters) : nearestHint(type, ANALYZER_TYPES)
      this.#report('analyzer_type', `Analyzer Type: ${type} is not valid`, at, hint)
      return false
    }
    if (form.conditions.length > 0) return true
    this.#report('analyzer_unsupported', `Analyzer Type: ${type} is not supported`, at)
    return false
  }
}

/** In tags the grammar tries texts first: a NULL alone is one. */
const fitsText = ({ operator, operands }: Extract<SyntaxTag['condition'], { kind: 'number' }>): boolean =>
  ['=', '!=', 'in', 'not in'].includes(operator) && operands.every(({ kind }) => kind === 'null')

const withoutPosition = ({ key, values, list }: SyntaxPair) => ({ key, values, list })
const plainText = (operand: TextOperand): string => (operand.kind === 'text' ? operand.value : operand.keyword)

/** Words that a rule goes on with; in other letters they are read as one parameter more. */
const PARAMETER_LIKE = ['between', 'matches', 'where', 'with', 'labels']
const isMisspelledKeyword = (text: string): boolean => [...PARAMETER_LIKE, 'in', 'not'].includes(text.toLowerCase())

const countText = (minimum: number, maximum: number): string => {
  if (maximum === Number.MAX_SAFE_INTEGER) return `${minimum} or more parameters`
  const many = maximum === 1 ? 'parameter' : 'parameters'
  return minimum === maximum ? `${minimum === 0 ? 'no' : minimum} ${many}` : `${minimum} to ${maximum} ${many}`
}

const withoutParentheses = (expression: NumberExpression): NumberExpression =>
  expression.kind === 'group' ? withoutParentheses(expression.inner) : expression

/** `FileSize > 4096`: whole numbers without a unit are bytes. `null`: an expression, a fraction or NULL. */
function bareSizes(condition: SyntaxCondition & { kind: 'number' }): Condition | null {
  const operands = condition.operands
    .map(withoutParentheses)
    .map((each) =>
      each.kind === 'literal' && /^-?\d+$/.test(each.text) && Math.abs(Number(each.text)) <= 2_147_483_647
        ? { amount: Number(each.text), unit: 'B' as const }
        : null,
    )
  const sizes = operands.filter((each) => each !== null)
  if (sizes.length < operands.length) return null
  return { kind: 'size', operator: condition.operator, operands: sizes }
}

function conditionHint(type: string, condition: SyntaxCondition): string | null {
  const forms = formsOf(type)
  const takesNumber = forms.some(({ conditions }) => conditions.includes('number'))
  if (condition.kind === 'text' && takesNumber) return 'Write the number without quotes'
  if (condition.kind === 'number' && forms.some(({ conditions }) => conditions.includes('duration')))
    return 'Add a unit: days, hours or minutes'
  if (forms.every(({ conditions }) => conditions.length === 0)) return `${type} takes no condition`
  return null
}
