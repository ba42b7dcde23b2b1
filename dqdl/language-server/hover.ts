import { type Hover, MarkupKind } from 'vscode-languageserver'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import type { Contract } from '../../core/contract.ts'
import type { Position, Rule, Ruleset } from '../ast.ts'
import { leavesOf } from '../ast.ts'
import { qualityColumnsOf } from '../contract-columns.ts'
import { explainRule, type RuleExplanation } from '../explain.ts'
import { printRuleWithLabels } from '../print.ts'
import { formsOf } from '../rule-types.ts'
import { Lexer, type Token } from '../tokens.ts'
import { docsOf, formText, WORD_DOCS } from './rule-docs.ts'

/** With what its variables stand for. */
const withoutVariables = (rule: Rule): Rule => ({
  ...rule,
  labels: null,
  condition: rule.condition?.kind === 'text' ? { ...rule.condition, variable: null } : rule.condition,
  parameters: rule.parameters.map((each) =>
    each.variable === null ? each : { ...each, variable: null, quoted: true },
  ),
})

/** The explanation of one rule without a composite around it. */
async function explanationOf(rule: Rule, contract: Contract | null, now: Date): Promise<RuleExplanation | null> {
  const columns = contract === null ? null : qualityColumnsOf(contract)
  const { parts } = await explainRule(printRuleWithLabels(withoutVariables(rule)), columns, now)
  return parts[0] ?? null
}

const typeDocs = (type: string): string | null => {
  const forms = formsOf(type)
  if (forms.length === 0) return null
  const docs = docsOf(type)
  const lines = forms.map((form) => `\`${type}\` ${formText(form)}`)
  return docs === null ? lines.join('\n\n') : [...lines, `\`${docs.example}\`: ${docs.checks}`, docs.nulls].join('\n\n')
}

async function ruleDocs(rule: Rule, contract: Contract | null, now: Date): Promise<string> {
  const explained = await explanationOf(rule, contract, now)
  if (explained === null) return typeDocs(rule.type) ?? ''
  const { checks, nulls, metrics, note } = explained
  const figures = metrics.length === 0 ? [] : [`Metric: ${metrics.map((name) => `\`${name}\``).join(', ')}`]
  return [`**${rule.type}**`, checks, `NULL: ${nulls}`, ...figures, ...(note === null ? [] : [note])].join('\n\n')
}

function columnDocs(name: string, contract: Contract | null): string | null {
  if (contract === null) return null
  const found = qualityColumnsOf(contract).find((column) => column.name === name)
  if (found === undefined) return null
  const column = contract.columns.find((each) => each.name === name)
  const facts = [
    found.duckdbType,
    ...(column?.required === true ? ['required'] : []),
    ...(contract.key.includes(name) ? ['key'] : []),
  ]
  const values = column?.values == null ? [] : [`One of: ${column.values.join(', ')}`]
  return [
    `\`${name}\` ${facts.join(', ')}`,
    ...(column?.description == null ? [] : [column.description]),
    ...values,
  ].join('\n\n')
}

/** The token at an offset. @param start where to read from: the beginning of a line or of a rule before it */
function tokenOver(text: string, start: number, offset: number): Token | null {
  const lexer = new Lexer(text, start)
  for (;;) {
    const token = lexer.next()
    if (token.kind === 'end' || token.offset > offset) return null
    if (offset < token.end) return token
  }
}

const isAt = ({ at }: Rule, { line, column }: Position): boolean => at.line === line && at.column === column

/** What stands at an offset, in words. */
export async function hoverAt(
  document: TextDocument,
  offset: number,
  { rules, analyzers }: Ruleset,
  contract: Contract | null,
  now: Date,
): Promise<Hover | null> {
  const place = document.positionAt(offset)
  const leaves = rules.flatMap(leavesOf)
  const before = [...leaves, ...analyzers].filter(
    ({ at }) => at.line - 1 < place.line || (at.line - 1 === place.line && at.column - 1 <= place.character),
  )
  const nearest = before.reduce<Position>(
    (last, { at }) => (at.line > last.line || (at.line === last.line && at.column >= last.column) ? at : last),
    { line: 1, column: 1 },
  )
  const start = document.offsetAt({ line: nearest.line - 1, character: nearest.column - 1 })
  const token = tokenOver(document.getText(), start, offset)
  if (token === null) return null
  const at = document.positionAt(token.offset)
  const rule = leaves.find((leaf) => isAt(leaf, { line: at.line + 1, column: at.character + 1 }))
  const isName = token.kind === 'string' || token.kind === 'identifier'
  const value =
    rule !== undefined
      ? await ruleDocs(rule, contract, now)
      : ((isName ? columnDocs(token.text, contract) : null) ??
        (token.kind === 'string' ? null : (typeDocs(token.text) ?? WORD_DOCS[token.text])) ??
        null)
  if (value === null || value === '') return null
  return { contents: { kind: MarkupKind.Markdown, value }, range: { start: at, end: document.positionAt(token.end) } }
}
