import { formsOf, type ParameterKind, type RuleForm } from '../rule-types.ts'
import type { Token } from '../tokens.ts'
import { type Cursor, hasWholeCondition, startsCondition } from './cursor.ts'

/** What can stand at a place of a rule. */
export type RulePlace =
  | { readonly kind: 'type' }
  /** `rest`: what follows the parameters may stand here too. */
  | { readonly kind: 'parameter'; readonly type: string; readonly names: ParameterKind; readonly rest: boolean }
  | { readonly kind: 'operator'; readonly form: RuleForm; readonly negated: boolean }
  | { readonly kind: 'operand'; readonly form: RuleForm; readonly column: string | null; readonly list: boolean }
  | { readonly kind: 'unit'; readonly form: RuleForm }
  | { readonly kind: 'upperBound' }
  | { readonly kind: 'where' }
  | { readonly kind: 'labelKey' }
  | { readonly kind: 'labelValue'; readonly key: string }
  | { readonly kind: 'tag' }
  | { readonly kind: 'threshold' }
  /** Behind a condition: where, labels, with, and, or. */
  | { readonly kind: 'tail'; readonly form: RuleForm | null }
  | { readonly kind: 'variable' }
  | { readonly kind: 'nothing' }

const NOTHING: RulePlace = { kind: 'nothing' }
const indexOfWord = (tokens: readonly Token[], ...words: readonly string[]): number =>
  tokens.findLastIndex(({ kind, text }) => kind === 'word' && words.includes(text))

/** The place in a list of labels that is still open, or `null`. */
export function labelPlace(tokens: readonly Token[]): RulePlace | null {
  const start = indexOfWord(tokens, 'labels', 'DefaultLabels')
  const list = start === -1 ? [] : tokens.slice(start)
  if (!list.some(({ text }) => text === '[') || list.some(({ kind, text }) => kind === 'symbol' && text === ']'))
    return null
  const [beforeLast, last] = [list.at(-2), list.at(-1)]
  if (last?.text === '=') return { kind: 'labelValue', key: beforeLast?.text ?? '' }
  return last?.text === '[' || last?.text === ',' ? { kind: 'labelKey' } : NOTHING
}

const isParameter = ({ kind }: Token): boolean => kind === 'identifier' || kind === 'string'

function parameterPlace(type: Token, tokens: readonly Token[]): RulePlace {
  const count = tokens.filter(isParameter).length
  const forms = formsOf(type.text)
  const most = Math.max(...forms.map(({ maxParameters }) => maxParameters))
  const fitting = forms.find(({ minParameters, maxParameters }) => count >= minParameters && count <= maxParameters)
  const [form = fitting] = forms.filter(({ maxParameters }) => count < maxParameters)
  if (form === undefined) return NOTHING
  if (count >= most) return { kind: 'operator', form, negated: false }
  const names = form.parameters[count] ?? form.parameters.at(-1) ?? 'column'
  return { kind: 'parameter', type: type.text, names, rest: fitting !== undefined }
}

function conditionPlace(form: RuleForm, tokens: readonly Token[], start: number): RulePlace {
  const last = tokens.at(-1)
  const condition = tokens.slice(start)
  const operator = condition.find(({ kind, text }) => kind === 'word' && text !== 'not')?.text
  if (last?.kind === 'word' && last.text === 'not') return { kind: 'operator', form, negated: true }
  const column = tokens[1]?.kind === 'string' || tokens[1]?.kind === 'identifier' ? tokens[1].text : null
  const units = form.conditions.some((kind) => kind === 'duration' || kind === 'size')
  if (units && last?.kind === 'integer') return { kind: 'unit', form }
  if (operator === 'between' && last?.text !== 'between' && !condition.some(({ text }) => text.toLowerCase() === 'and'))
    return { kind: 'upperBound' }
  if (hasWholeCondition(tokens)) {
    const open =
      condition.filter(({ text }) => text === '[').length > condition.filter(({ text }) => text === ']').length
    return open ? NOTHING : { kind: 'tail', form }
  }
  const list = operator === 'in' && !condition.some(({ text }) => text === '[')
  return operator === 'matches' ? NOTHING : { kind: 'operand', form, column, list }
}

function tagPlace(form: RuleForm | null, tokens: readonly Token[]): RulePlace {
  if (tokens.length === 1) return { kind: 'tag' }
  if (tokens.length === 2) return { kind: 'threshold' }
  const last = tokens.at(-1)
  return last === undefined || last.kind === 'symbol' || last.kind === 'word' ? NOTHING : { kind: 'tail', form }
}

/** Where in a rule the cursor stands. */
export function rulePlaceOf({ tokens, closed }: Cursor): RulePlace {
  const [type] = tokens
  const last = tokens.at(-1)
  const labels = labelPlace(tokens)
  if (labels !== null) return labels
  if (closed && type === undefined) return { kind: 'tail', form: null }
  if (type === undefined) return { kind: 'type' }
  if (last?.text === '$' && last.kind === 'symbol') return { kind: 'variable' }
  const counts = tokens.slice(1).filter(isParameter).length
  const forms = formsOf(type.text)
  const form =
    forms.find(({ minParameters, maxParameters }) => counts >= minParameters && counts <= maxParameters) ?? forms[0]
  const tag = indexOfWord(tokens, 'with')
  if (tag !== -1) return tagPlace(form ?? null, tokens.slice(tag))
  if (form === undefined) return closed || tokens.length > 1 ? { kind: 'tail', form: null } : NOTHING
  const where = indexOfWord(tokens, 'where')
  if (where !== -1 && where === tokens.length - 1) return { kind: 'where' }
  if (where !== -1 || indexOfWord(tokens, 'labels') !== -1) return { kind: 'tail', form }
  const condition = tokens.findIndex((token, index) => index > 0 && startsCondition(token))
  return condition === -1 ? parameterPlace(type, tokens.slice(1)) : conditionPlace(form, tokens, condition)
}
