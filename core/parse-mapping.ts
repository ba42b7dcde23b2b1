import type { Contract } from './contract.ts'
import { parseDatasetName, parseTenantId } from './identifiers.ts'
import type { Compression, InputFormat, InputOptions, Mapping, MappingField, Transform } from './mapping.ts'
import type { Parsed } from './parse-contract.ts'
import { patternProblem } from './re2-pattern.ts'
import schema from './schemas/mapping.v1.schema.json' with { type: 'json' }
import { checkAgainstSchema, type FileProblem, nearestOf, readYaml, type YamlDocument } from './yaml-document.ts'

interface FieldFile {
  readonly source?: string
  readonly sources?: readonly string[]
  readonly target: string
  readonly transform?: readonly (string | Readonly<Record<string, unknown>>)[]
}

/** The file's form, after the schema accepted it. */
interface MappingFile {
  readonly tenant: string
  readonly dataset: string
  readonly version: number
  readonly contract_version: number
  readonly source_system: string
  readonly input: {
    readonly format: InputFormat
    readonly compression?: Compression
    readonly encoding?: InputOptions['encoding']
    readonly delimiter?: string
    readonly quote?: string
    readonly escape?: string
    readonly header?: boolean
    readonly columns?: readonly string[]
    readonly null_values?: readonly string[]
    readonly timezone?: string
  }
  readonly fields: readonly FieldFile[]
}

type Otherwise = 'reject' | 'keep' | 'null'

/** Options as the schema left them, by transform name. */
interface TransformOptions {
  readonly format: string
  readonly timezone?: string
  readonly decimal?: string
  readonly group?: string
  readonly rounding?: 'half_even' | 'half_up'
  readonly true: readonly string[]
  readonly false: readonly string[]
  readonly part: 'amount' | 'code'
  readonly symbols?: Readonly<Record<string, string>>
  readonly values: Readonly<Record<string, string>>
  readonly table: Readonly<Record<string, string>>
  readonly otherwise?: Otherwise
  readonly separator?: string
  readonly pattern: string
  readonly keep_last?: number
}

/** Currency symbols that name one currency; a mapping adds or overrides. */
const CURRENCY_SYMBOLS = {
  '€': 'EUR',
  '£': 'GBP',
  US$: 'USD',
  AU$: 'AUD',
  A$: 'AUD',
  C$: 'CAD',
  NZ$: 'NZD',
  '¥': 'JPY',
  $: 'USD',
} as const

const TRANSFORMS: Readonly<Record<string, (options: TransformOptions, raw: unknown) => Transform>> = {
  trim: () => ({ name: 'trim' }),
  uppercase: () => ({ name: 'uppercase' }),
  lowercase: () => ({ name: 'lowercase' }),
  collapse_whitespace: () => ({ name: 'collapse_whitespace' }),
  hash: () => ({ name: 'hash' }),
  null_if: (_, raw) => ({ name: 'null_if', values: raw as readonly string[] }),
  parse_date: ({ format }) => ({ name: 'parse_date', format }),
  parse_timestamp: ({ format, timezone }) => ({ name: 'parse_timestamp', format, timezone: timezone ?? null }),
  parse_iso8601: ({ timezone }) => ({ name: 'parse_iso8601', timezone: timezone ?? null }),
  parse_number: ({ decimal, group, rounding }) => ({
    name: 'parse_number',
    decimal: decimal ?? '.',
    group: group ?? null,
    rounding: rounding ?? null,
  }),
  parse_boolean: (options) => ({
    name: 'parse_boolean',
    true: options.true ?? ['true'],
    false: options.false ?? ['false'],
  }),
  normalize_currency: ({ part, symbols }) => ({
    name: 'normalize_currency',
    part,
    symbols: { ...CURRENCY_SYMBOLS, ...symbols },
  }),
  map_values: ({ values, otherwise }) => ({ name: 'map_values', values, otherwise: otherwise ?? 'reject' }),
  default: (_, raw) => ({ name: 'default', value: String(raw) }),
  constant: (_, raw) => ({ name: 'constant', value: String(raw) }),
  concat: ({ separator }) => ({ name: 'concat', separator: separator ?? '' }),
  regex_extract: ({ pattern }, raw) => ({
    name: 'regex_extract',
    pattern,
    group: (raw as { group?: number }).group ?? 0,
  }),
  mask: ({ keep_last }) => ({ name: 'mask', keepLast: keep_last ?? 0 }),
  lookup: ({ table, otherwise }) => ({ name: 'lookup', table, otherwise: otherwise ?? 'reject' }),
}

/** The names of the closed registry. */
export const TRANSFORM_NAMES: readonly string[] = Object.keys(TRANSFORMS)

function transformOf(step: string | Readonly<Record<string, unknown>>): Transform {
  const [name, raw] = typeof step === 'string' ? [step, {}] : (Object.entries(step)[0] ?? ['', {}])
  const build = TRANSFORMS[name]
  if (build === undefined) throw new Error(`the schema let an unknown transform pass: ${name}`)
  return build((raw ?? {}) as TransformOptions, raw)
}

const fieldOf = (field: FieldFile): MappingField => ({
  sources: field.sources ?? (field.source === undefined ? [] : [field.source]),
  target: field.target,
  transforms: (field.transform ?? []).map(transformOf),
})

const inputOf = ({ input }: MappingFile): InputOptions => ({
  format: input.format,
  compression: input.compression ?? 'auto',
  encoding: input.encoding ?? 'auto',
  delimiter: input.delimiter ?? (input.format === 'tsv' ? '\t' : ','),
  quote: input.quote ?? '"',
  escape: input.escape ?? '"',
  header: input.header ?? true,
  columns: input.columns ?? [],
  nullValues: input.null_values ?? [],
  timezone: input.timezone ?? null,
})

const isTimeZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch (thrown) {
    if (thrown instanceof RangeError) return false
    throw thrown
  }
}

type Report = (
  code: string,
  message: string,
  path: (string | number)[],
  facts?: { expected?: string; found?: string },
) => void

/** An unknown transform is named before the schema speaks of alternatives. */
function unknownTransforms(document: YamlDocument): FileProblem[] {
  const fields = (document.value as { fields?: unknown } | null)?.fields
  if (!Array.isArray(fields)) return []
  const problems: FileProblem[] = []
  for (const [index, field] of fields.entries()) {
    const steps: unknown = (field as { transform?: unknown } | null)?.transform
    if (!Array.isArray(steps)) continue
    for (const [position, step] of steps.entries()) {
      const name =
        typeof step === 'string' ? step : typeof step === 'object' && step !== null ? Object.keys(step)[0] : undefined
      if (name === undefined || TRANSFORM_NAMES.includes(name)) continue
      const nearest = nearestOf(name, TRANSFORM_NAMES)
      problems.push({
        code: 'unknown_transform',
        message: `Transform "${name}" is not in the registry${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
        where: document.place(['fields', index, 'transform', position]),
        expected: `one of ${TRANSFORM_NAMES.join(', ')}`,
        found: name,
      })
    }
  }
  return problems
}

function checkField(field: MappingField, index: number, report: Report): void {
  const names = field.transforms.map((step) => step.name)
  if (field.sources.length === 0 && names[0] !== 'constant') {
    report('missing_source', `Field "${field.target}" needs a source, or constant as its first transform`, [
      'fields',
      index,
    ])
  }
  if (field.sources.length > 1 && names[0] !== 'concat') {
    report('missing_concat', `Field "${field.target}" has several sources and needs concat as its first transform`, [
      'fields',
      index,
    ])
  }
  for (const [position, step] of field.transforms.entries()) {
    const problem = 'pattern' in step ? patternProblem(step.pattern) : null
    if (problem !== null)
      report('invalid_pattern', `The pattern cannot be used: ${problem}`, ['fields', index, 'transform', position])
    const zone = 'timezone' in step ? step.timezone : null
    if (zone !== null && !isTimeZone(zone))
      report('unknown_timezone', `"${zone}" is no IANA time zone`, ['fields', index, 'transform', position], {
        found: zone,
      })
  }
}

/** Without a header the names of the columns are the mapping's own: each stands once, and no field reads another. */
function checkColumns(columns: readonly string[], fields: readonly MappingField[], report: Report): void {
  for (const [index, column] of columns.entries())
    if (columns.indexOf(column) < index)
      report('duplicate_column', `Column "${column}" stands twice`, ['input', 'columns', index])
  for (const [index, field] of fields.entries())
    for (const source of field.sources.filter((name) => !columns.includes(name))) {
      const nearest = nearestOf(source, columns)
      const hint = nearest === null ? '' : `; did you mean "${nearest}"?`
      report('unknown_source', `Source "${source}" is not in input.columns${hint}`, ['fields', index], {
        expected: `one of ${columns.join(', ')}`,
        found: source,
      })
    }
}

function build(file: MappingFile, document: YamlDocument): Parsed<Mapping> {
  const problems: FileProblem[] = []
  const report: Report = (code, message, path, facts = {}) =>
    problems.push({ code, message, where: document.place(path), ...facts })
  const fields = file.fields.map(fieldOf)
  const targets = new Set<string>()
  for (const [index, field] of fields.entries()) {
    if (targets.has(field.target))
      report('duplicate_target', `Target "${field.target}" stands twice`, ['fields', index, 'target'])
    targets.add(field.target)
    checkField(field, index, report)
  }
  const input = inputOf(file)
  if (input.timezone !== null && !isTimeZone(input.timezone)) {
    report('unknown_timezone', `"${input.timezone}" is no IANA time zone`, ['input', 'timezone'], {
      found: input.timezone,
    })
  }
  if (!input.header && input.columns.length === 0)
    report('missing_columns', 'A file without a header needs input.columns', ['input'])
  if (!input.header && input.columns.length > 0) checkColumns(input.columns, fields, report)
  if (problems.length > 0) return { ok: false, problems }
  return {
    ok: true,
    value: {
      tenantId: parseTenantId(file.tenant),
      dataset: parseDatasetName(file.dataset),
      version: file.version,
      contractVersion: file.contract_version,
      sourceSystem: file.source_system,
      input,
      fields,
    },
  }
}

/** Reads `contracts/mappings/{tenant}.{dataset}.yaml`: either a mapping or everything that is wrong with the file. */
export function parseMapping(text: string, file: string): Parsed<Mapping> {
  const document = readYaml(text, file)
  if (document.problems.length > 0) return { ok: false, problems: document.problems }
  const unknown = unknownTransforms(document)
  if (unknown.length > 0) return { ok: false, problems: unknown }
  const problems = checkAgainstSchema(document, schema)
  return problems.length > 0 ? { ok: false, problems } : build(document.value as MappingFile, document)
}

/** What a mapping and its contract do not agree on: unmapped required columns, unknown targets, another version. */
export function checkMappingAgainstContract(
  mapping: Mapping,
  contract: Contract,
  text: string,
  file: string,
): FileProblem[] {
  const document = readYaml(text, file)
  const problems: FileProblem[] = []
  const names = contract.columns.map((column) => column.name)
  if (mapping.contractVersion !== contract.version) {
    problems.push({
      code: 'contract_version_mismatch',
      message: `Mapping is written for version ${mapping.contractVersion} of "${contract.dataset}", the contract is version ${contract.version}`,
      where: document.place(['contract_version']),
      expected: String(contract.version),
      found: String(mapping.contractVersion),
    })
  }
  for (const [index, field] of mapping.fields.entries()) {
    if (names.includes(field.target)) continue
    const nearest = nearestOf(field.target, names)
    problems.push({
      code: 'unknown_target',
      message: `Target "${field.target}" is no column of "${contract.dataset}"${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
      where: document.place(['fields', index, 'target']),
      expected: `one of ${names.join(', ')}`,
      found: field.target,
    })
  }
  for (const column of contract.columns) {
    if (!column.required || mapping.fields.some((field) => field.target === column.name)) continue
    problems.push({
      code: 'unmapped_required_column',
      message: `Required column "${column.name}" of "${contract.dataset}" is mapped from nothing`,
      where: document.place(['fields']),
      expected: `a field with target ${column.name}`,
    })
  }
  return problems
}
