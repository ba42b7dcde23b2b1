import type { Contract } from '../../core/contract.ts'
import type { Mapping, MappingField } from '../../core/mapping.ts'
import type { Drift } from '../messages.ts'
import { type Refusal, refusal, shown } from './refusal.ts'

/** Names are compared without the blanks around them. */
const trimmed = (names: readonly string[]): readonly string[] => names.map((name) => name.trim())

/** Names that stand twice, or blank ones with their position from 1. */
export function checkHeaderNames(header: readonly string[], contract: Contract): Refusal | null {
  if (header.length > contract.limits.columns)
    return refusal(
      'too_many_columns',
      `The header has ${header.length} columns, ${contract.limits.columns} are allowed`,
      {
        columns: header.length,
        maxColumns: contract.limits.columns,
      },
    )
  const names = trimmed(header)
  const blank = names.flatMap((name, index) => (name === '' ? [index + 1] : []))
  if (blank.length > 0)
    return refusal('header_blank', `The header has no name at position ${blank.slice(0, 20).join(', ')}`, {
      positions: blank.slice(0, 20),
    })
  const twice = [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
  if (twice.length > 0)
    return refusal('header_duplicate', `The header has ${shown(twice).map(quoted).join(', ')} more than once`, {
      names: shown(twice),
    })
  return null
}

const quoted = (name: string): string => JSON.stringify(name)

/** A field that needs no source to have a value. */
const suppliesValue = ({ sources, transforms }: MappingField): boolean =>
  sources.length === 0 || transforms.some(({ name }) => name === 'default' || name === 'constant')

/** Source names that a required column is filled from and that the file lacks altogether. */
export function missingRequired(header: readonly string[], contract: Contract, mapping: Mapping): readonly string[] {
  const present = new Set(trimmed(header))
  return contract.columns
    .filter(({ required }) => required)
    .flatMap(({ name }) => {
      const field = mapping.fields.find(({ target }) => target === name)
      if (field === undefined || suppliesValue(field)) return []
      return field.sources.some((source) => present.has(source.trim())) ? [] : field.sources
    })
}

const sourcesOf = (mapping: Mapping): readonly string[] => [
  ...new Set(trimmed(mapping.fields.flatMap(({ sources }) => sources))),
]

/** How many of the header's names some rule of the mapping consumes. */
export const matchedNames = (header: readonly string[], mapping: Mapping): number => {
  const sources = new Set(sourcesOf(mapping))
  return trimmed(header).filter((name) => sources.has(name)).length
}

function isReordered(header: readonly string[], sources: readonly string[]): boolean {
  const expected = sources.filter((source) => header.includes(source))
  const found = header.filter((name) => sources.includes(name))
  return expected.some((source, index) => source !== found[index])
}

/** What the file's columns are against the mapping's, whole lists. */
export interface HeaderComparison {
  readonly added: readonly string[]
  readonly missing: readonly string[]
  readonly reordered: boolean
}

export function compareHeader(header: readonly string[], mapping: Mapping): HeaderComparison {
  const names = trimmed(header)
  const sources = sourcesOf(mapping)
  return {
    added: names.filter((name) => !sources.includes(name)),
    missing: sources.filter((source) => !names.includes(source)),
    reordered: isReordered(names, sources),
  }
}

/** Holds the header against contract and mapping. @param drift how they differ, for the refusal */
export function checkHeaderColumns(
  header: readonly string[],
  contract: Contract,
  mapping: Mapping,
  drift: Drift,
): Refusal | null {
  const missing = missingRequired(header, contract, mapping)
  if (missing.length > 0)
    return refusal(
      'missing_required_column',
      `The file lacks ${shown(missing).map(quoted).join(', ')}, which required columns are filled from`,
      { missing: shown(missing), found: shown(trimmed(header)) },
      drift,
    )
  const { added } = compareHeader(header, mapping)
  if (added.length > 0 && contract.drift.additive === 'reject')
    return refusal(
      'unexpected_column',
      `No rule consumes ${shown(added).map(quoted).join(', ')}`,
      { unexpected: shown(added) },
      drift,
    )
  return null
}
