import { printColumnType } from '../../core/column-type.ts'
import type { Contract } from '../../core/contract.ts'
import type { Mapping } from '../../core/mapping.ts'
import { buildIntermediate } from '../../glue/build-intermediate.ts'
import type { FieldPlan, TextOperator } from '../../glue/intermediate.ts'
import { formOf, inferType, showsItsForm, TELLING_SHARE } from '../../glue/text-forms.ts'
import type { Drift, DriftChange } from '../messages.ts'
import { compareHeader, type HeaderComparison, missingRequired } from './header.ts'
import { shown } from './refusal.ts'

/** Records of the sample whose values are looked at. */
export const DRIFT_SAMPLE_RECORDS = 200
/** With fewer values a column may have another type by chance. */
const LEAST_VALUES = 3
/** Changes named in a record, so that the state of an execution stays small. */
const MOST_CHANGES = 20

/** What a sample tells about a column of the source. */
export interface ColumnFacts {
  /** Texts of the sampled values; `null` is no value. */
  texts(column: string): readonly (string | null)[]
  /** The type that the file itself declares, where its format declares types. */
  declared(column: string): string | null
}

/** Facts of a format that has no types, from its sampled records. */
export const factsOfRecords = (
  header: readonly string[],
  records: readonly (readonly (string | null)[])[],
): ColumnFacts => {
  const positions = new Map(header.map((name, index) => [name.trim(), index] as const))
  return {
    texts: (column) => {
      const position = positions.get(column.trim())
      return position === undefined ? [] : records.map((record) => record[position] ?? null)
    },
    declared: () => null,
  }
}

const nullTexts = (operators: readonly TextOperator[]): readonly string[] =>
  operators.flatMap((operator) =>
    operator.name === 'null_if' || operator.name === 'null_texts' ? operator.values : [],
  )

/** The sampled values of a field as its conversion meets them. */
function valuesOf(field: FieldPlan, column: string, mapping: Mapping, facts: ColumnFacts): readonly string[] {
  const none = new Set(['', ...mapping.input.nullValues, ...nullTexts(field.text)])
  const trims = field.text.some(({ name }) => name === 'trim' || name === 'collapse_whitespace')
  return facts
    .texts(column)
    .map((text) => (text === null || none.has(text) ? '' : trims ? text.trim() : text))
    .filter((text) => !none.has(text))
}

/** Types of one family are cast into each other; text may hold any of them. */
const FAMILY: Readonly<Record<string, string>> = {
  integer: 'number',
  bigint: 'number',
  decimal: 'number',
  double: 'number',
  date: 'time',
  timestamp: 'time',
  boolean: 'boolean',
}

/** Of a file that declares types: another family than the contract's is another type, whatever the values are. */
function declaredChange({ type }: FieldPlan, column: string, declared: string): DriftChange | null {
  const [before, now] = [FAMILY[type.kind], FAMILY[declared]]
  if (before === undefined || now === undefined || before === now) return null
  return { column, kind: 'retyped', old: printColumnType(type), new: declared }
}

function retypedChange(field: FieldPlan, column: string, mapping: Mapping, facts: ColumnFacts): DriftChange | null {
  const declared = facts.declared(column)
  if (declared !== null) return declaredChange(field, column, declared)
  if (!showsItsForm(field.text)) return null
  const values = valuesOf(field, column, mapping, facts)
  if (values.length < LEAST_VALUES) return null
  const fits = formOf(field.conversion)
  const misfits = values.filter((value) => !fits(value))
  if (misfits.length < values.length * TELLING_SHARE) return null
  const found = inferType(misfits)
  return found === field.type.kind ? null : { column, kind: 'retyped', old: printColumnType(field.type), new: found }
}

/** Columns whose values have all, or nearly all, the form of another type than the contract's. */
function retyped(
  contract: Contract,
  mapping: Mapping,
  header: readonly string[],
  facts: ColumnFacts,
): readonly DriftChange[] {
  if (missingRequired(header, contract, mapping).length > 0) return []
  return buildIntermediate(contract, mapping, header).fields.flatMap((field) => {
    const [position] = field.sources
    if (field.sources.length !== 1 || position === undefined || position === null) return []
    const column = header[position]?.trim() ?? ''
    const change = retypedChange(field, column, mapping, facts)
    return change === null ? [] : [change]
  })
}

const targetTypeOf = (source: string, contract: Contract, mapping: Mapping): string | null => {
  const target = mapping.fields.find(({ sources }) => sources.some((name) => name.trim() === source))?.target
  const column = contract.columns.find(({ name }) => name === target)
  return column === undefined ? null : printColumnType(column.type)
}

const newType = (column: string, facts: ColumnFacts): string =>
  facts.declared(column) ??
  inferType(facts.texts(column).flatMap((text) => (text === null || text === '' ? [] : [text])))

/** The gravest difference names the class. */
function classOf(
  { added, missing, reordered }: HeaderComparison,
  isRetyped: boolean,
  structural: boolean,
): Drift['class'] {
  if (structural) return 'structural'
  if (missing.length > 0) return 'missing'
  if (isRetyped) return 'retyped'
  if (added.length > 0) return 'additive'
  return reordered ? 'reordered' : 'none'
}

/**
 * How the columns of a file differ from what the mapping consumes: each new, absent or retyped column with the type it had and the
 * one it has. Names and lists are cut so that the answer stays small.
 */
export function describeDrift(
  header: readonly string[],
  contract: Contract,
  mapping: Mapping,
  facts: ColumnFacts,
  structural = false,
): Drift {
  const comparison = compareHeader(header, mapping)
  const types = retyped(contract, mapping, header, facts)
  const changes: readonly DriftChange[] = [
    ...comparison.missing.map((column) => ({
      column,
      kind: 'absent' as const,
      old: targetTypeOf(column, contract, mapping),
      new: null,
    })),
    ...types,
    ...comparison.added.map((column) => ({ column, kind: 'new' as const, old: null, new: newType(column, facts) })),
  ]
  return {
    class: classOf(comparison, types.length > 0, structural),
    added: shown(comparison.added),
    missing: shown(comparison.missing),
    changes: changes.slice(0, MOST_CHANGES).map((change) => ({ ...change, column: shown([change.column])[0] ?? '' })),
  }
}
