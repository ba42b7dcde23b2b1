import { OPERATIONAL_NAMES } from '../../core/curated-columns.ts'
import type { QualityConnection } from '../execute.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { columnText, rounded } from './operands.ts'
import { type DataProfile, profileData } from './profile.ts'
import { suggestForColumn } from './suggest-column.ts'
import { gate, type Suggestion, warn } from './suggestion.ts'

export interface SuggestRequest {
  /** What stands behind FROM. */
  readonly relation: string
  readonly columns: readonly QualityColumn[]
  /** Columns that rules may name and the key, of a contract; `null`: all but Sluice's own. */
  readonly contract: { readonly columns: readonly string[]; readonly key: readonly string[] } | null
  readonly now: Date
}
export interface Suggested {
  readonly rows: number
  readonly suggestions: readonly Suggestion[]
  /** Columns whose names no rule can hold. */
  readonly unnamable: readonly string[]
}

function rowCounts(rows: number): readonly Suggestion[] {
  const observed = { 'Dataset.*.RowCount': rows }
  const reason = rows === 1 ? 'there is one row' : `there are ${rows} rows`
  const low = Math.min(rounded(rows / 2, 'down'), rows - 1)
  const high = Math.max(rounded(rows * 2, 'up'), rows + 1)
  return [
    gate('RowCount > 0', reason, observed),
    warn(`RowCount between ${Math.floor(low)} and ${high}`, `${reason}; half or twice as many is unusual`, observed),
  ]
}

function contractKey(key: readonly string[], { keyHolds }: DataProfile): readonly Suggestion[] {
  const names = key.map(columnText)
  if (!keyHolds || key.length === 0 || names.includes(null)) return []
  return [
    gate(`IsPrimaryKey ${names.join(' ')}`, 'the key of the contract holds', {
      [`Multicolumn.${key.join(',')}.Uniqueness`]: 1,
    }),
  ]
}

/** Profiles data in one scan and proposes rules; every one of them holds on these data at this instant. */
export async function suggestRules(request: SuggestRequest, connection: QualityConnection): Promise<Suggested> {
  const { relation, columns, contract, now } = request
  const wanted = columns.filter(({ name }) =>
    contract === null ? !OPERATIONAL_NAMES.has(name) : contract.columns.includes(name),
  )
  const namable = wanted.filter(({ name }) => columnText(name) !== null)
  const key = (contract?.key ?? []).filter((name) => namable.some((column) => column.name === name))
  const wholeKey = key.length === contract?.key.length ? key : []
  const profile = await profileData(relation, namable, wholeKey, connection)
  const unnamable = wanted.filter((column) => !namable.includes(column)).map(({ name }) => name)
  if (profile.rows === 0) return { rows: 0, suggestions: [], unnamable }
  const ofColumns = profile.columns.flatMap((column, index) => {
    const parameter = columnText(column.name)
    return parameter === null
      ? []
      : suggestForColumn({ profile: column, parameter, rows: profile.rows, isFirst: index === 0, now })
  })
  const ofKey = contractKey(wholeKey, profile)
  const keyRules = new Set(ofKey.map(({ rule }) => rule))
  return {
    rows: profile.rows,
    suggestions: [...rowCounts(profile.rows), ...ofKey, ...ofColumns.filter(({ rule }) => !keyRules.has(rule))],
    unnamable,
  }
}

const WARN_LABEL = ' labels=["severity"="warn"]'
const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')

/** The suggestions as a ruleset that can be kept, each with its reason as a comment. */
export function printSuggested({ rows, suggestions, unnamable }: Suggested, source: string): string {
  const head = `# Suggested from ${oneLine(source)} (${rows} rows). Each rule holds there; whether it should hold is yours to say.`
  const left = unnamable.map((name) => `# Left out: no rule can name the column ${JSON.stringify(name)}.`)
  if (suggestions.length === 0) return `${head}\n# Without a row there is nothing to suggest.\n`
  const items = suggestions.map(
    ({ rule, severity, reason }, index) =>
      `  # ${oneLine(reason)}\n  ${rule}${severity === 'warn' ? WARN_LABEL : ''}${index < suggestions.length - 1 ? ',' : ''}`,
  )
  return `${[head, ...left].join('\n')}\nRules = [\n${items.join('\n')}\n]\n`
}
