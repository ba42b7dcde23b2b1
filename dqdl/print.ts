import {
  type Analyzer,
  type Composite,
  type Condition,
  type DateOperand,
  type Label,
  leavesOf,
  type NumberExpression,
  type Parameter,
  type Rule,
  type RuleExpression,
  type Ruleset,
  type Size,
  type Tag,
  type TextOperand,
  type Variable,
} from './ast.ts'

const printParameter = ({ text, quoted, variable, connector }: Parameter): string => {
  const own = variable !== null ? `$${variable}` : quoted ? `"${text}"` : text
  return connector === null ? own : `${connector} ${own}`
}

/** As it can be parsed again: without the blank, the function `now ()` would be the date. */
export const printNumber = (expression: NumberExpression): string => {
  switch (expression.kind) {
    case 'literal':
      return expression.text
    case 'null':
      return 'NULL'
    case 'group':
      return printGroup(expression.inner)
    case 'call':
      return `${expression.name}${expression.arguments.length === 0 && expression.name === 'now' ? ' ' : ''}(${expression.arguments.map(printNumber).join(',')})`
    case 'arithmetic':
      return `${printNumber(expression.left)} ${expression.operator} ${printNumber(expression.right)}`
  }
}
/** Without blanks, with every parenthesis that was written: so the reference keeps the number of a tag. */
const printWritten = (expression: NumberExpression): string => {
  if (expression.kind === 'group') return `(${printWritten(expression.inner)})`
  if (expression.kind === 'call') return `${expression.name}(${expression.arguments.map(printWritten).join(',')})`
  if (expression.kind !== 'arithmetic') return printNumber(expression)
  return `${printWritten(expression.left)}${expression.operator}${printWritten(expression.right)}`
}
/** Parentheses that hold no arithmetic are left out; NULL without them would be a text in a threshold. */
const printGroup = (inner: NumberExpression): string =>
  inner.kind === 'arithmetic' || inner.kind === 'null' ? `(${printNumber(inner)})` : printNumber(inner)
/** As the reference shows it, which cannot always be read back. */
const printResultNumber = (expression: NumberExpression): string => {
  const text = printNumber(expression)
  return expression.kind === 'literal'
    ? text
    : text.replaceAll('now ()', 'now()').replaceAll(/(?<![\w.])\(NULL\)/g, 'NULL')
}
const printText = (operand: TextOperand): string => (operand.kind === 'text' ? `"${operand.raw}"` : operand.keyword)
const printUsedText = (operand: TextOperand): string =>
  operand.kind === 'text' ? `"${operand.value}"` : operand.keyword
const printDate = (operand: DateOperand): string => {
  switch (operand.kind) {
    case 'day':
    case 'time':
      return `"${operand.text}"`
    case 'now':
      return 'now()'
    case 'offset':
      return `(now() ${operand.sign} ${operand.duration.amount} ${operand.duration.unit})`
    case 'null':
      return 'NULL'
  }
}

const printSize = ({ amount, unit }: Size): string => `${amount} ${unit}`
/** Only bare numbers may be negative, and stand beside bare numbers alone. */
const printSizes = (sizes: readonly Size[]): readonly string[] =>
  sizes.some(({ amount }) => amount < 0) ? sizes.map(({ amount }) => String(amount)) : sizes.map(printSize)

/** Texts of lists as they are used, without what escaped something in them, and sizes with units. */
const printResultOperands = (condition: Condition): readonly string[] => {
  if (condition.kind === 'text') return condition.operands.map(printUsedText)
  if (condition.kind === 'number') return condition.operands.map(printResultNumber)
  return condition.kind === 'size' ? condition.operands.map(printSize) : printOperands(condition)
}
const printOperands = (condition: Condition): readonly string[] => {
  switch (condition.kind) {
    case 'number':
      return condition.operands.map(printNumber)
    case 'text':
      return condition.operands.map(printText)
    case 'date':
      return condition.operands.map(printDate)
    case 'duration':
      return condition.operands.map(({ amount, unit }) => `${amount} ${unit}`)
    case 'size':
      return printSizes(condition.operands)
  }
}

function joinOperands(condition: Condition, operands: readonly string[]): string {
  const { operator } = condition
  if (condition.kind === 'text' && condition.variable !== null) return `${operator} $${condition.variable}`
  if (operator === 'between' || operator === 'not between') return `${operator} ${operands.join(' and ')}`
  if (operator === 'in' || operator === 'not in') return `${operator} [${operands.join(',')}]`
  return `${operator} ${operands[0]}`
}
/** As it can be parsed again. */
export const printCondition = (condition: Condition): string => joinOperands(condition, printOperands(condition))
const printResultCondition = (condition: Condition): string => joinOperands(condition, printResultOperands(condition))

export const printLabels = (labels: readonly Label[]): string =>
  `[${labels.map(({ key, value }) => `"${key}"="${value}"`).join(', ')}]`

const isTextOperand = (value: Tag['value']): value is TextOperand => value.kind === 'text' || value.kind === 'keyword'

/**
 * `source`: with labels, as it can be parsed again. `bare`: the same without labels. `result`: what the reference shows
 * as the rule's text in results, which cannot always be read back.
 */
type Style = 'source' | 'bare' | 'result'

function printTag({ name, value }: Tag, style: Style): string {
  if (isTextOperand(value)) return `with ${name} = ${printText(value)}`
  return `with ${name} = ${style === 'result' ? printWritten(value) : printNumber(value)}`
}

/** The reference keeps tags in a Java HashMap of 16 buckets and shows them in their order. */
function bucketOf(name: string): number {
  let hash = 0
  for (let index = 0; index < name.length; index += 1) hash = (Math.imul(hash, 31) + name.charCodeAt(index)) | 0
  return (hash ^ (hash >>> 16)) & 15
}

function printLeaf(rule: Rule, style: Style): string {
  const asResult = style === 'result'
  const print = asResult ? printResultCondition : printCondition
  const parts = [rule.type, ...rule.parameters.map(printParameter)]
  if (rule.condition !== null) parts.push(print(rule.condition))
  if (rule.where !== null && !(asResult && rule.where.trim() === '')) parts.push(`where "${rule.where}"`)
  // Before the tags, where they can be read back.
  if (style === 'source' && rule.labels !== null) parts.push(`labels=${printLabels(rule.labels)}`)
  if (rule.threshold !== null) parts.push(`with threshold ${print(rule.threshold)}`)
  const tags = asResult ? [...rule.tags].sort((one, other) => bucketOf(one.name) - bucketOf(other.name)) : rule.tags
  parts.push(...tags.map((tag) => printTag(tag, style)))
  return parts.join(' ')
}

const join = (operator: Composite['operator'], parts: readonly string[]): string =>
  parts.join(` ${operator.toUpperCase()} `)

function printExpression(expression: RuleExpression, style: Style): string {
  if (expression.kind === 'rule') return printLeaf(expression, style)
  const { operator, parts } = expression
  if (style === 'result') return printResultComposite(expression)
  return join(
    operator,
    parts.map((part) => `(${printExpression(part, style)})${compositeLabels(part, style)}`),
  )
}
const compositeLabels = (part: RuleExpression, style: Style): string =>
  style === 'source' && part.kind === 'composite' && part.labels !== null ? ` labels=${printLabels(part.labels)}` : ''

const usesOnly = (operator: Composite['operator'], expression: RuleExpression): boolean =>
  expression.kind === 'rule' ||
  (expression.operator === operator && expression.parts.every((part) => usesOnly(operator, part)))

/** Flat where one operator joins all of it, else two parts at a time from the left. */
function printResultComposite(composite: Composite): string {
  const { operator } = composite
  const pairs = usesOnly(operator, composite) ? leavesOf(composite) : leftAndRight(composite)
  return join(
    operator,
    pairs.map((part) => `(${printExpression(part, 'result')})`),
  )
}
const leftAndRight = (composite: Composite): readonly RuleExpression[] =>
  composite.parts.length < 3
    ? composite.parts
    : [{ ...composite, parts: composite.parts.slice(0, -1) }, ...composite.parts.slice(-1)]

/** The canonical text of a rule as results show it: the reference's own, without labels. */
export const printRule = (expression: RuleExpression): string => printExpression(expression, 'result')

const printSource =
  (style: Style) =>
  (expression: RuleExpression): string =>
    style === 'source' && expression.kind === 'composite' && expression.labels !== null
      ? `(${printExpression(expression, style)})${compositeLabels(expression, style)}`
      : printExpression(expression, style)

/** The canonical text of a rule with its labels, as it can be parsed again. */
export const printRuleWithLabels = printSource('source')

export const printAnalyzer = ({ type, parameters }: Analyzer): string =>
  [type, ...parameters.map(printParameter)].join(' ')

const escaped = (text: string): string => text.replace(/[\\"]/g, '\\$&')
export const printDictionary = (pairs: Ruleset['metadata']): string => {
  const printed = pairs.map(({ key, values, list }) => {
    const texts = values.map((value) => `"${value}"`).join(', ')
    return `  "${escaped(key)}": ${list ? `[${texts}]` : texts}`
  })
  return `{\n${printed.join(',\n')}\n}`
}
export const printVariable = ({ name, list, operands }: Variable): string => {
  const texts = operands.map(printText).join(', ')
  return `${name} = ${list ? `[${texts}]` : texts}`
}
const printList = (items: readonly string[]): string =>
  items.length === 0 ? '[ ]' : `[\n${items.map((item) => `  ${item}`).join(',\n')}\n]`

const printSections = (
  { metadata, sources, variables, defaultLabels, rules, analyzers }: Ruleset,
  print: (rule: RuleExpression) => string,
): string => {
  const sections: string[] = []
  if (metadata.length > 0) sections.push(`Metadata = ${printDictionary(metadata)}`)
  if (sources.length > 0) sections.push(`DataSources = ${printDictionary(sources)}`)
  if (variables.length > 0) sections.push(variables.map(printVariable).join('\n'))
  if (defaultLabels.length > 0) sections.push(`DefaultLabels = ${printLabels(defaultLabels)}`)
  if (rules.length > 0 || analyzers.length === 0) sections.push(`Rules = ${printList(rules.map(print))}`)
  if (analyzers.length > 0) sections.push(`Analyzers = ${printList(analyzers.map(printAnalyzer))}`)
  return `${sections.join('\n\n')}\n`
}

/** The canonical text of a ruleset; `parseRuleset` of it gives the same ruleset, positions apart. */
export const printRuleset = (ruleset: Ruleset): string => printSections(ruleset, printRuleWithLabels)

/** What a ruleset says of the data, without metadata and labels, which not every evaluator reads. */
export const printBareRuleset = (ruleset: Ruleset): string =>
  printSections({ ...ruleset, metadata: [], defaultLabels: [] }, printSource('bare'))
