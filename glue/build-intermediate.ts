import type { ColumnType } from '../core/column-type.ts'
import { MAX_VARCHAR_BYTES } from '../core/column-type.ts'
import type { Contract, ContractColumn } from '../core/contract.ts'
import { SluiceError } from '../core/errors.ts'
import type { Mapping, MappingField, Transform } from '../core/mapping.ts'
import type { Check, Conversion, FieldPlan, IntermediateForm, NumberForm, TextOperator } from './intermediate.ts'

const PLAIN: NumberForm = { decimal: '.', group: null }
const CONVERSIONS = ['parse_date', 'parse_timestamp', 'parse_iso8601', 'parse_number', 'parse_boolean'] as const
type ConversionTransform = Extract<Transform, { name: (typeof CONVERSIONS)[number] }>

const isConversion = (transform: Transform): transform is ConversionTransform =>
  CONVERSIONS.some((name) => name === transform.name)

const misuse = (target: string, transform: string, type: ColumnType): SluiceError =>
  new SluiceError('invalid_mapping', `Cannot use "${transform}" for column "${target}" of type ${type.kind}`, {
    where: { path: `fields.${target}` },
    found: transform,
  })

const numberConversion = (
  type: ColumnType,
  form: NumberForm,
  rounding: 'half_even' | 'half_up' | null,
): Conversion | null => {
  if (type.kind === 'integer') return { name: 'parse_integer', bits: 32, form, rounding }
  if (type.kind === 'bigint') return { name: 'parse_integer', bits: 64, form, rounding }
  if (type.kind === 'decimal')
    return { name: 'parse_decimal', precision: type.precision, scale: type.scale, form, rounding }
  return type.kind === 'double' ? { name: 'parse_double', form } : null
}

/** What a text without any conversion transform is read as: ISO 8601, plain numbers, true/false/1/0. */
function defaultConversion(type: ColumnType, timezone: string | null): Conversion {
  switch (type.kind) {
    case 'string':
      return { name: 'keep_text' }
    case 'json':
      return { name: 'parse_json' }
    case 'boolean':
      return { name: 'parse_boolean', true: ['true', '1'], false: ['false', '0'] }
    case 'date':
      return { name: 'parse_iso8601', timezone: null, into: 'date' }
    case 'timestamp':
      return { name: 'parse_iso8601', timezone, into: 'timestamp' }
    default:
      return numberConversion(type, PLAIN, null) ?? { name: 'keep_text' }
  }
}

function declaredConversion(
  transform: ConversionTransform,
  { name, type }: ContractColumn,
  timezone: string | null,
): Conversion {
  const into = type.kind === 'date' || type.kind === 'timestamp' ? type.kind : null
  switch (transform.name) {
    case 'parse_boolean':
      if (type.kind === 'boolean') return { name: 'parse_boolean', true: transform.true, false: transform.false }
      break
    case 'parse_number': {
      const { decimal, group, rounding } = transform
      const conversion = numberConversion(type, { decimal, group }, rounding)
      if (conversion !== null) return conversion
      break
    }
    case 'parse_date':
      if (into === 'date') return { name: 'parse_date', format: transform.format }
      if (into !== null)
        return { name: 'parse_timestamp', format: transform.format, timezone: timezone ?? 'UTC', into: 'timestamp' }
      break
    case 'parse_timestamp':
      if (into !== null)
        return {
          name: 'parse_timestamp',
          format: transform.format,
          timezone: transform.timezone ?? timezone,
          into,
        }
      break
    case 'parse_iso8601':
      if (into !== null) return { name: 'parse_iso8601', timezone: transform.timezone ?? timezone, into }
      break
  }
  throw misuse(name, transform.name, type)
}

function checksOf({ type, pattern, values }: ContractColumn): readonly Check[] {
  const length: readonly Check[] =
    type.kind === 'string'
      ? [{ name: 'length', maxCharacters: type.maxCharacters, maxBytes: MAX_VARCHAR_BYTES }]
      : type.kind === 'json'
        ? [{ name: 'length', maxCharacters: MAX_VARCHAR_BYTES, maxBytes: MAX_VARCHAR_BYTES }]
        : []
  return [
    ...length,
    ...(pattern === null ? [] : [{ name: 'pattern', pattern } as const]),
    ...(values === null ? [] : [{ name: 'values', values } as const]),
  ]
}

function buildField(
  column: ContractColumn,
  field: MappingField | undefined,
  contract: Contract,
  mapping: Mapping,
  position: (source: string) => number | null,
): FieldPlan {
  const transforms = field?.transforms ?? []
  const conversions = transforms.filter(isConversion)
  if (conversions.length > 1) throw misuse(column.name, conversions.map((t) => t.name).join(', '), column.type)
  const declared = conversions[0]
  const last = transforms.at(-1)
  if (declared !== undefined && declared !== last && last?.name !== 'default')
    throw misuse(column.name, `${declared.name} before ${last?.name}`, column.type)
  const text = transforms.filter((transform): transform is Extract<TextOperator, Transform> => !isConversion(transform))
  return {
    target: column.name,
    type: column.type,
    required: column.required,
    sources: (field?.sources ?? []).map(position),
    text,
    conversion:
      declared === undefined
        ? defaultConversion(column.type, mapping.input.timezone)
        : declaredConversion(declared, column, mapping.input.timezone),
    checks: checksOf(column),
    misfit: contract.drift.typeCoercion === 'full' && !column.required ? 'rescue' : 'reject',
  }
}

/**
 * Contract and mapping as operators over the columns that the file has.
 *
 * @param header the source's column names as seen
 * @throws SluiceError `missing_required_column`; `invalid_mapping` for a transform that does not lead to the column's type
 */
export function buildIntermediate(contract: Contract, mapping: Mapping, header: readonly string[]): IntermediateForm {
  const positions = new Map(header.map((column, index) => [column.trim(), index] as const))
  const position = (source: string): number | null => positions.get(source.trim()) ?? null
  const fields = contract.columns.map((column) =>
    buildField(
      column,
      mapping.fields.find(({ target }) => target === column.name),
      contract,
      mapping,
      position,
    ),
  )
  for (const [index, field] of fields.entries()) requireSources(field, contract.columns[index]?.name ?? '', mapping)
  const consumed = new Set(fields.flatMap(({ sources }) => sources))
  const unconsumed = header.map((_, index) => index).filter((index) => !consumed.has(index))
  return {
    sourceColumns: header,
    fields,
    rescued: contract.drift.additive === 'rescue' ? unconsumed : [],
    nullValues: mapping.input.nullValues,
    additive: contract.drift.additive,
  }
}

function requireSources(field: FieldPlan, target: string, mapping: Mapping): void {
  const supplies = field.text.some(({ name }) => name === 'default' || name === 'constant')
  const lacks = field.sources.length === 0 || field.sources.every((source) => source === null)
  if (!field.required || supplies || !lacks) return
  const wanted = mapping.fields.find((candidate) => candidate.target === target)?.sources ?? []
  throw new SluiceError(
    'missing_required_column',
    `Cannot fill required column "${target}": the file has none of ${JSON.stringify(wanted)}`,
    { where: { path: `fields.${target}` }, expected: wanted.join(', ') },
  )
}
