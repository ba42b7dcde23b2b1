import { type ColumnType, parseColumnType } from './column-type.ts'
import type {
  AdditiveDrift,
  Contract,
  ContractColumn,
  ContractLimits,
  Distribution,
  LoadMode,
  TypeCoercion,
} from './contract.ts'
import { OPERATIONAL_NAMES } from './curated-columns.ts'
import { messageOf } from './errors.ts'
import { parseDatasetName } from './identifiers.ts'
import { patternProblem } from './re2-pattern.ts'
import schema from './schemas/contract.v1.schema.json' with { type: 'json' }
import { checkAgainstSchema, type FileProblem, nearestOf, readYaml, type YamlDocument } from './yaml-document.ts'

/** The file's form, after the schema accepted it. */
interface ContractFile {
  readonly dataset: string
  readonly version: number
  readonly description?: string
  readonly columns: readonly {
    readonly name: string
    readonly type: string
    readonly required?: boolean
    readonly description?: string
    readonly pattern?: string
    readonly values?: readonly string[]
  }[]
  readonly key: 'none' | readonly string[]
  readonly load?: LoadMode
  readonly event_time?: string
  readonly drift?: {
    readonly additive?: AdditiveDrift
    readonly type_coercion?: TypeCoercion
    readonly quarantine_on_breaking_change?: boolean
  }
  readonly reject_tolerance?: number
  readonly limits?: {
    readonly bytes?: number
    readonly min_bytes?: number
    readonly row_bytes?: number
    readonly columns?: number
    readonly raw_characters?: number
    readonly compression_ratio?: number
  }
  readonly warehouse?: {
    readonly distribution?: 'auto' | 'even' | 'all' | { readonly key: string }
    readonly sort?: readonly string[]
  }
  readonly large_from_bytes?: number
}

/** A parsed file, or all that is wrong with it. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly FileProblem[] }

const MIB = 1024 * 1024

const limitsOf = (file: ContractFile): ContractLimits => ({
  bytes: file.limits?.bytes ?? 50 * 1024 * MIB,
  minBytes: file.limits?.min_bytes ?? 2,
  rowBytes: file.limits?.row_bytes ?? MIB,
  columns: file.limits?.columns ?? 400,
  rawCharacters: file.limits?.raw_characters ?? 65_536,
  compressionRatio: file.limits?.compression_ratio ?? 200,
})

const distributionOf = (file: ContractFile): Distribution => {
  const distribution = file.warehouse?.distribution ?? 'auto'
  return typeof distribution === 'string' ? { style: distribution } : { style: 'key', column: distribution.key }
}

const columnOf = (column: ContractFile['columns'][number], type: ColumnType): ContractColumn => ({
  name: column.name,
  type,
  required: column.required ?? false,
  description: column.description ?? null,
  pattern: column.pattern ?? null,
  values: column.values ?? null,
})

type Report = (
  code: string,
  message: string,
  path: (string | number)[],
  facts?: { expected?: string; found?: string },
) => void

function checkColumns(file: ContractFile, report: Report): void {
  const seen = new Set<string>()
  for (const [index, column] of file.columns.entries()) {
    if (seen.has(column.name))
      report('duplicate_column', `Column "${column.name}" stands twice`, ['columns', index, 'name'])
    seen.add(column.name)
    if (OPERATIONAL_NAMES.has(column.name)) {
      report('reserved_column', `Column "${column.name}" is one that Sluice adds itself`, ['columns', index, 'name'])
    }
    const problem = column.pattern === undefined ? null : patternProblem(column.pattern)
    if (problem !== null)
      report('invalid_pattern', `The pattern of "${column.name}" cannot be used: ${problem}`, [
        'columns',
        index,
        'pattern',
      ])
    if ((column.pattern !== undefined || column.values !== undefined) && !column.type.startsWith('string')) {
      report('invalid_column', `Column "${column.name}" has pattern or values, which only strings take`, [
        'columns',
        index,
      ])
    }
  }
}

function checkReferences(file: ContractFile, report: Report): void {
  const names = file.columns.map((column) => column.name)
  const refer = (name: string, path: (string | number)[]): void => {
    if (names.includes(name)) return
    const nearest = nearestOf(name, names)
    report(
      'unknown_column',
      `Column "${name}" is not in the contract${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
      path,
      {
        expected: `one of ${names.join(', ')}`,
        found: name,
      },
    )
  }
  if (file.key !== 'none') {
    for (const [index, name] of file.key.entries()) {
      refer(name, ['key', index])
      if (
        file.columns.find((column) => column.name === name)?.required === false ||
        file.columns.find((c) => c.name === name && c.required === undefined)
      ) {
        report('optional_key', `Key column "${name}" must be required: keys are never NULL`, ['key', index])
      }
    }
  }
  if (file.event_time !== undefined) {
    refer(file.event_time, ['event_time'])
    const type = file.columns.find((column) => column.name === file.event_time)?.type
    if (type !== undefined && type !== 'timestamp' && type !== 'date') {
      report('invalid_event_time', `Event time "${file.event_time}" must be a date or a timestamp`, ['event_time'], {
        expected: 'date or timestamp',
        found: type,
      })
    }
  }
  for (const [index, name] of (file.warehouse?.sort ?? []).entries())
    if (name !== 'tenant_id') refer(name, ['warehouse', 'sort', index])
  const distribution = file.warehouse?.distribution
  if (typeof distribution === 'object' && distribution.key !== 'tenant_id')
    refer(distribution.key, ['warehouse', 'distribution', 'key'])
}

function checkLoad(file: ContractFile, report: Report): void {
  const mode = file.load ?? (file.key === 'none' ? 'replace_source' : 'merge')
  if (file.key === 'none' && mode === 'merge')
    report('invalid_load', 'A dataset without a key cannot be merged: use load: replace_source', ['load'])
  if (file.key !== 'none' && mode === 'replace_source')
    report('invalid_load', 'A dataset with a key loads by merge', ['load'])
}

function build(file: ContractFile, document: YamlDocument): Parsed<Contract> {
  const problems: FileProblem[] = []
  const report: Report = (code, message, path, facts = {}) =>
    problems.push({ code, message, where: document.place(path), ...facts })
  const columns: ContractColumn[] = []
  for (const [index, column] of file.columns.entries()) {
    try {
      columns.push(columnOf(column, parseColumnType(column.type)))
    } catch (thrown) {
      report('invalid_type', messageOf(thrown), ['columns', index, 'type'], { found: column.type })
    }
  }
  checkColumns(file, report)
  checkReferences(file, report)
  checkLoad(file, report)
  if (problems.length > 0) return { ok: false, problems }
  return {
    ok: true,
    value: {
      dataset: parseDatasetName(file.dataset),
      version: file.version,
      description: file.description ?? null,
      columns,
      key: file.key === 'none' ? [] : file.key,
      load: file.load ?? (file.key === 'none' ? 'replace_source' : 'merge'),
      eventTime: file.event_time ?? null,
      drift: {
        additive: file.drift?.additive ?? 'rescue',
        missingRequired: 'quarantine',
        typeCoercion: file.drift?.type_coercion ?? 'limited',
        quarantineOnBreakingChange: file.drift?.quarantine_on_breaking_change ?? true,
      },
      rejectTolerance: file.reject_tolerance ?? 0.05,
      limits: limitsOf(file),
      warehouse: { distribution: distributionOf(file), sort: file.warehouse?.sort ?? [] },
      largeFromBytes: file.large_from_bytes ?? 256 * MIB,
    },
  }
}

/** Reads `contracts/{dataset}.yaml`: either a contract or everything that is wrong with the file. */
export function parseContract(text: string, file: string): Parsed<Contract> {
  const document = readYaml(text, file)
  if (document.problems.length > 0) return { ok: false, problems: document.problems }
  const problems = checkAgainstSchema(document, schema)
  return problems.length > 0 ? { ok: false, problems } : build(document.value as ContractFile, document)
}
