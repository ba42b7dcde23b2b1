import type {
  Analyzer,
  Condition,
  DateOperand,
  Label,
  NumberExpression,
  Parameter,
  Rule,
  RuleExpression,
  Ruleset,
  Tag,
  TextOperand,
  Variable,
} from './ast.ts'

const printParameter = ({ text, quoted, variable, connector }: Parameter): string => {
  const own = variable !== null ? `$${variable}` : quoted ? `"${text}"` : text
  return connector === null ? own : `${connector} ${own}`
}

export const printNumber = (expression: NumberExpression): string => {
  switch (expression.kind) {
    case 'literal':
      return expression.text
    case 'null':
      return 'NULL'
    case 'group':
      return `(${printNumber(expression.inner)})`
    case 'call':
      // Without the blank, now() would be a date.
      return `${expression.name}${expression.name === 'now' ? ' ' : ''}(${expression.arguments.map(printNumber).join(',')})`
    case 'arithmetic':
      return `${printNumber(expression.left)} ${expression.operator} ${printNumber(expression.right)}`
  }
}
const printText = (operand: TextOperand): string => (operand.kind === 'text' ? `"${operand.raw}"` : operand.keyword)
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
      // Only bare numbers may be negative.
      return condition.operands.map(({ amount, unit }) => (amount < 0 ? String(amount) : `${amount} ${unit}`))
  }
}

export function printCondition(condition: Condition): string {
  const { operator } = condition
  if (condition.kind === 'text' && condition.variable !== null) return `${operator} $${condition.variable}`
  const operands = printOperands(condition)
  if (operator === 'between' || operator === 'not between') return `${operator} ${operands.join(' and ')}`
  if (operator === 'in' || operator === 'not in') return `${operator} [${operands.join(',')}]`
  return `${operator} ${operands[0]}`
}

const printLabels = (labels: readonly Label[]): string =>
  `[${labels.map(({ key, value }) => `"${key}"="${value}"`).join(', ')}]`

const isTextOperand = (value: Tag['value']): value is TextOperand => value.kind === 'text' || value.kind === 'keyword'
const printTag = ({ name, value }: Tag): string =>
  `with ${name} = ${isTextOperand(value) ? printText(value) : printNumber(value)}`

/** @param labels printed before the tags, where they can be read back; results show rules without */
function printLeaf(rule: Rule, labels: boolean): string {
  const parts = [rule.type, ...rule.parameters.map(printParameter)]
  if (rule.condition !== null) parts.push(printCondition(rule.condition))
  if (rule.where !== null) parts.push(`where "${rule.where}"`)
  if (labels && rule.labels !== null) parts.push(`labels=${printLabels(rule.labels)}`)
  if (rule.threshold !== null) parts.push(`with threshold ${printCondition(rule.threshold)}`)
  parts.push(...rule.tags.map(printTag))
  return parts.join(' ')
}

function printExpression(expression: RuleExpression, labels: boolean): string {
  if (expression.kind === 'rule') return printLeaf(expression, labels)
  const joined = expression.parts
    .map((part) => `(${printExpression(part, labels)})${compositeLabels(part, labels)}`)
    .join(` ${expression.operator.toUpperCase()} `)
  return joined
}
const compositeLabels = (part: RuleExpression, labels: boolean): string =>
  labels && part.kind === 'composite' && part.labels !== null ? ` labels=${printLabels(part.labels)}` : ''

/** The canonical text of a rule as results show it: without labels. */
export const printRule = (expression: RuleExpression): string => printExpression(expression, false)

/** The canonical text of a rule with its labels, as it can be parsed again. */
export const printRuleWithLabels = (expression: RuleExpression): string =>
  expression.kind === 'composite' && expression.labels !== null
    ? `(${printExpression(expression, true)})${compositeLabels(expression, true)}`
    : printExpression(expression, true)

export const printAnalyzer = ({ type, parameters }: Analyzer): string =>
  [type, ...parameters.map(printParameter)].join(' ')

const escaped = (text: string): string => text.replace(/[\\"]/g, '\\$&')
const printDictionary = (pairs: Ruleset['metadata']): string => {
  const printed = pairs.map(({ key, values, list }) => {
    const texts = values.map((value) => `"${value}"`).join(', ')
    return `  "${escaped(key)}": ${list ? `[${texts}]` : texts}`
  })
  return `{\n${printed.join(',\n')}\n}`
}
const printVariable = ({ name, list, operands }: Variable): string => {
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
  printSections({ ...ruleset, metadata: [], defaultLabels: [] }, printRule)
