import { type CompletionItem, CompletionItemKind, InsertTextFormat, type Range } from 'vscode-languageserver'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import type { Contract } from '../../core/contract.ts'
import type { Ruleset } from '../ast.ts'
import { leavesOf } from '../ast.ts'
import { CADENCES } from '../cadence.ts'
import { DATA_TYPES } from '../castable.ts'
import { qualityColumnsOf } from '../contract-columns.ts'
import { TAGS } from '../lint/lint-conditions.ts'
import { FUNCTIONS } from '../operands.ts'
import { ANALYZER_TYPES, formsOf, type ParameterKind, RULE_TYPES, type RuleForm } from '../rule-types.ts'
import { SECTIONS } from '../tokens.ts'
import { type Cursor, cursorAt } from './cursor.ts'
import { docsOf, exampleCondition, formText, placeholderOf, requiredParameters, WORD_DOCS } from './rule-docs.ts'
import { labelPlace, type RulePlace, rulePlaceOf } from './rule-place.ts'

/** What completion knows besides the text. */
export interface CompletionScope {
  /** Of the last parse. */
  readonly ruleset: Ruleset
  readonly contract: Contract | null
  /** The client fills in placeholders. */
  readonly snippets: boolean
}

/** An item before it has a range; `insert` where it differs from the label. */
interface Proposal {
  readonly label: string
  readonly kind: CompletionItemKind
  readonly detail?: string
  readonly documentation?: string
  readonly insert?: string
  readonly snippet?: boolean
}

const words = (labels: readonly string[], kind: CompletionItemKind = CompletionItemKind.Keyword): readonly Proposal[] =>
  labels.map((label) => {
    const documentation = WORD_DOCS[label.split(' ').at(-1) ?? label]
    return documentation === undefined ? { label, kind } : { label, kind, documentation }
  })
const texts = (labels: readonly string[], quoted: boolean): readonly Proposal[] =>
  labels.map((label) => ({ label, kind: CompletionItemKind.Value, ...(quoted ? {} : { insert: `"${label}"` }) }))

function columns({ contract }: CompletionScope, quoted: boolean): readonly Proposal[] {
  if (contract === null) return []
  const described = new Map(contract.columns.map((column) => [column.name, column]))
  return qualityColumnsOf(contract).map(({ name, duckdbType }) => {
    const column = described.get(name)
    const key = contract.key.includes(name) ? ', key' : ''
    return {
      label: name,
      kind: CompletionItemKind.Field,
      detail: `${duckdbType}${column?.required === true ? ', required' : ''}${key}`,
      ...(column?.description == null ? {} : { documentation: column.description }),
      ...(quoted ? {} : { insert: `"${name}"` }),
    }
  })
}

/** A rule with places to fill in. */
function ruleSnippet(form: RuleForm): string {
  const parameters = requiredParameters(form).map((kind, index) => `"\${${index + 1}:${placeholderOf(kind)}}"`)
  const condition = exampleCondition(form)
  const place = condition === '' ? '' : `\${${parameters.length + 1}:${condition}}`
  return [form.type, ...parameters, place].join(' ').trim()
}
function ruleTypes(scope: CompletionScope, restOfLine: string): readonly Proposal[] {
  const alone = scope.snippets && /^[\s,)\]]*(?:#.*)?$/.test(restOfLine)
  return RULE_TYPES.map((type) => {
    const [form] = formsOf(type)
    const docs = docsOf(type)
    return {
      label: type,
      kind: CompletionItemKind.Function,
      ...(form === undefined ? {} : { detail: formText(form) }),
      ...(docs === null ? {} : { documentation: `${docs.checks} ${docs.nulls}` }),
      ...(form !== undefined && alone ? { insert: ruleSnippet(form), snippet: true } : {}),
    }
  })
}

function parameters(names: ParameterKind, scope: CompletionScope, quoted: boolean): readonly Proposal[] {
  if (names === 'alias') {
    const aliases = scope.ruleset.sources
      .filter(({ key }) => key === 'AdditionalDataSources')
      .flatMap(({ values }) => values)
    return texts(aliases, quoted)
  }
  if (names === 'metric') return texts(ANALYZER_TYPES, quoted)
  if (names === 'aggregate' && quoted)
    return ['sum', 'avg'].map((label) => ({ label, kind: CompletionItemKind.Function }))
  return names === 'column' || names === 'columns' || names === 'sql' ? columns(scope, quoted) : []
}

const OPERATORS = { number: ['>', '>=', '<', '<=', '=', '!=', 'between', 'not between', 'in', 'not in'] } as const
const TEXT_OPERATORS = ['=', '!=', 'in', 'not in', 'matches', 'not matches']
function operators({ conditions }: RuleForm, negated: boolean): readonly Proposal[] {
  const all = new Set(conditions.flatMap((kind) => (kind === 'text' ? TEXT_OPERATORS : OPERATORS.number)))
  if (!negated) return words([...all], CompletionItemKind.Operator)
  return words(
    [...all].flatMap((each) => (each.startsWith('not ') ? [each.slice(4)] : [])),
    CompletionItemKind.Operator,
  )
}

function tail(form: RuleForm | null): readonly Proposal[] {
  const own =
    form === null ? [] : [...(form.where ? ['where'] : []), ...(form.threshold ? ['with threshold'] : ['with'])]
  return words([...own, 'labels', 'and', 'or'])
}

function operands(
  place: RulePlace & { kind: 'operand' },
  scope: CompletionScope,
  quoted: boolean,
): readonly Proposal[] {
  const { form, column, list } = place
  const variables = scope.ruleset.variables.map(({ name }) => `$${name}`)
  if (form.type === 'ColumnDataType') return texts(DATA_TYPES, quoted)
  const allowed = scope.contract?.columns.find(({ name }) => name === column)?.values ?? []
  if (quoted) return texts(allowed, true)
  if (list) return [...words(['[']), ...words(variables, CompletionItemKind.Variable)]
  const kinds = new Set(form.conditions)
  return [
    ...texts(kinds.has('text') ? allowed : [], false),
    ...(kinds.has('text') ? words(['NULL', 'EMPTY', 'WHITESPACES_ONLY'], CompletionItemKind.Constant) : []),
    ...(kinds.has('date') ? words(['now()', '(now() - 1 days)'], CompletionItemKind.Constant) : []),
    ...(kinds.has('number') ? words(FUNCTIONS, CompletionItemKind.Function) : []),
  ]
}

/** Values of the labels that the ruleset uses, by key. */
function labelsOf({ rules, defaultLabels }: Ruleset): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>([
    ['severity', new Set(['gate', 'warn'])],
    ['cadence', new Set(CADENCES)],
  ])
  const own = rules.flatMap((rule) => [...(rule.labels ?? []), ...leavesOf(rule).flatMap(({ labels }) => labels ?? [])])
  for (const { key, value } of [...defaultLabels, ...own]) found.set(key, (found.get(key) ?? new Set()).add(value))
  return found
}

function proposals(place: RulePlace, cursor: Cursor, scope: CompletionScope, rest: string): readonly Proposal[] {
  const { quoted } = cursor
  switch (place.kind) {
    case 'labelKey':
      return texts([...labelsOf(scope.ruleset).keys()], quoted)
    case 'labelValue':
      return texts([...(labelsOf(scope.ruleset).get(place.key) ?? [])], quoted)
    case 'parameter': {
      const own = parameters(place.names, scope, quoted)
      const [form] = formsOf(place.type)
      return quoted || !place.rest || form === undefined ? own : [...own, ...operators(form, false), ...tail(form)]
    }
    case 'operand':
      return operands(place, scope, quoted)
    case 'where':
      return quoted ? columns(scope, true) : []
  }
  if (quoted) return []
  switch (place.kind) {
    case 'type':
      return ruleTypes(scope, rest)
    case 'operator':
      return [...operators(place.form, place.negated), ...(place.negated ? [] : tail(place.form))]
    case 'unit':
      return words(
        place.form.conditions.includes('size') ? ['B', 'KB', 'MB', 'GB', 'TB'] : ['days', 'hours', 'minutes'],
        CompletionItemKind.Unit,
      )
    case 'upperBound':
      return words(['and'])
    case 'tag':
      return words(TAGS, CompletionItemKind.Property)
    case 'threshold':
      return words(['=', '>', '>=', '<', '<='], CompletionItemKind.Operator)
    case 'tail':
      return tail(place.form)
    case 'variable':
      return words(
        scope.ruleset.variables.map(({ name }) => name),
        CompletionItemKind.Variable,
      )
    default:
      return []
  }
}

function proposalsAt(cursor: Cursor, scope: CompletionScope, rest: string): readonly Proposal[] {
  const { section, tokens, quoted } = cursor
  if (section === 'comment') return []
  if (section === 'Rules') return proposals(rulePlaceOf(cursor), cursor, scope, rest)
  if (section === 'Analyzers') {
    const place = rulePlaceOf(cursor)
    if (place.kind === 'type') return words(ANALYZER_TYPES, CompletionItemKind.Function)
    return place.kind === 'parameter' ? parameters(place.names, scope, quoted) : []
  }
  const labels = labelPlace(tokens)
  if (labels !== null) return proposals(labels, cursor, scope, rest)
  return quoted
    ? []
    : words(
        SECTIONS.map((name) => `${name} =`),
        CompletionItemKind.Module,
      )
}

/** In SQL and in lists of columns, which stand in quotes, only the name at the cursor is replaced. */
function replacedFrom(cursor: Cursor): number {
  if (!cursor.quoted || cursor.section !== 'Rules') return cursor.from
  const place = rulePlaceOf(cursor)
  const whole = place.kind !== 'where' && !(place.kind === 'parameter' && place.names !== 'column')
  return whole ? cursor.from : cursor.from + cursor.word.length - (/\w*$/.exec(cursor.word)?.[0].length ?? 0)
}

/** What can be typed at an offset. */
export function completionsAt(
  document: TextDocument,
  offset: number,
  scope: CompletionScope,
): readonly CompletionItem[] {
  const text = document.getText()
  const { line, character } = document.positionAt(offset)
  const cursor = cursorAt(text, offset, scope.ruleset.rules, { line: line + 1, column: character + 1 }, (place) =>
    document.offsetAt({ line: place.line - 1, character: place.column - 1 }),
  )
  const range: Range = { start: document.positionAt(replacedFrom(cursor)), end: { line, character } }
  const lineEnd = text.indexOf('\n', offset)
  const rest = text.slice(offset, lineEnd === -1 ? text.length : lineEnd)
  return proposalsAt(cursor, scope, rest).map(({ insert, snippet, ...item }) => ({
    ...item,
    textEdit: { range, newText: insert ?? item.label },
    ...(snippet === true ? { insertTextFormat: InsertTextFormat.Snippet } : {}),
  }))
}
