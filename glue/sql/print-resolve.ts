import { printPhysicalType } from '../../core/column-type.ts'
import type { Contract } from '../../core/contract.ts'
import type { CuratedColumn } from '../../core/curated-columns.ts'
import { curatedColumns } from '../../core/curated-columns.ts'
import type { RunInput } from '../../core/run-documents.ts'
import { TYPE_CODES } from '../intermediate.ts'
import type { Program } from '../program.ts'
import { name, text, textOrNull, texts, timestamp } from './literals.ts'

/** What is the same for all rows of a run. */
export interface RowConstants {
  readonly tenantId: string
  readonly dataset: string
  readonly contractVersion: number
  readonly mappingVersion: number
  readonly sourceSystem: string
  readonly replayId: string | null
  readonly ingestedAt: string
  readonly inputs: readonly RunInput[]
}

const SAMPLE_ROWS = 10_000
/** Rows whose errors are long make the sample shorter: whoever reads it has it whole in memory. */
const SAMPLE_BYTES = 12_000_000
const SAMPLE_RAW_CHARACTERS = 1024

/** A value that depends on the input: a plain literal where there is one input only. */
const perInput = (inputs: readonly RunInput[], print: (input: RunInput) => string): string => {
  const values = inputs.map(print)
  return new Set(values).size === 1 ? (values[0] ?? 'NULL') : `([${values.join(', ')}])[input_index + 1]`
}

const jobId = (inputs: readonly RunInput[]): string => perInput(inputs, (input) => text(input.jobId))
const modifiedAt = (inputs: readonly RunInput[]): string => perInput(inputs, (input) => timestamp(input.modifiedAt))
const sequencer = (inputs: readonly RunInput[]): string => perInput(inputs, (input) => text(input.sequencer))

function operationalValue(column: string, contract: Contract, constants: RowConstants): string {
  const { inputs } = constants
  switch (column) {
    case '_rescued':
    case 'record_number':
      return column
    case 'tenant_id':
      return text(constants.tenantId)
    case 'job_id':
      return jobId(inputs)
    case 'dataset':
      return text(constants.dataset)
    case 'contract_version':
      return String(constants.contractVersion)
    case 'mapping_version':
      return String(constants.mappingVersion)
    case 'source_system':
      return text(constants.sourceSystem)
    case 'replay_id':
      return textOrNull(constants.replayId)
    case 'op':
      return text('U')
    case 'ingested_at':
      return timestamp(constants.ingestedAt)
    case '_source_key':
      return perInput(inputs, (input) => text(input.key))
    case '_event_time':
      return contract.eventTime === null ? 'NULL' : name(contract.eventTime)
    case '_source_modified':
      return modifiedAt(inputs)
    case '_sequencer':
      return sequencer(inputs)
    default:
      throw new TypeError(`Cannot print the operational column "${column}"`)
  }
}

const curatedValue = (column: CuratedColumn, contract: Contract, constants: RowConstants): string => {
  const value = column.role === 'contract' ? name(column.name) : operationalValue(column.name, contract, constants)
  return `CAST(${value} AS ${printPhysicalType(column, 'duckdb')}) AS ${name(column.name)}`
}

/** Key columns as they are compared: without trailing blanks, as Redshift does. */
const keyValues = (contract: Contract): readonly string[] =>
  contract.key.map((column) => {
    const type = contract.columns.find((candidate) => candidate.name === column)?.type.kind
    return type === 'string' ? `rtrim(${name(column)}, ' ')` : name(column)
  })

/** Rows that lose against a newer version of the same key: repeated hashes first, so that only those rows are ranked. */
function printDuplicates(contract: Contract, { inputs }: RowConstants): readonly string[] {
  if (contract.key.length === 0)
    return ['CREATE OR REPLACE TEMP TABLE sluice_duplicates (input_index INTEGER, record_number BIGINT)']
  const key = keyValues(contract).join(', ')
  const eventTime = contract.eventTime === null ? [] : [`${name(contract.eventTime)} DESC NULLS LAST`]
  const source = inputs.length === 1 ? [] : [`${modifiedAt(inputs)} DESC`, `${sequencer(inputs)} DESC`]
  const order = [...eventTime, ...source, 'record_number DESC'].join(', ')
  return [
    `CREATE OR REPLACE TEMP TABLE sluice_repeated AS SELECT hash(${key}) AS h FROM sluice_good GROUP BY h HAVING count(*) > 1`,
    `CREATE OR REPLACE TEMP TABLE sluice_duplicates AS SELECT input_index, record_number FROM (SELECT input_index, record_number, row_number() OVER (PARTITION BY ${key} ORDER BY ${order}) AS place FROM sluice_good WHERE hash(${key}) IN (SELECT h FROM sluice_repeated)) WHERE place > 1`,
  ]
}

/**
 * Keeps the record numbers of a small table as one bit string per input. A bit is looked up row by row, so rows stay in
 * order; a join against the table would lose it.
 */
const markRecords = (variable: string, table: string, inputs: readonly RunInput[]): readonly string[] =>
  inputs.map(
    (_, index) =>
      `SET VARIABLE ${variable}_${index} = (SELECT bitstring_agg(record_number, 0, {records_${index}}) FROM ${table} WHERE input_index = ${index})`,
  )

function isUnmarked(variable: string, inputs: readonly RunInput[]): string {
  const bits = inputs.map((_, index) => `get_bit(getvariable('${variable}_${index}'), CAST(record_number AS INTEGER))`)
  const bit =
    bits.length === 1
      ? bits[0]
      : `CASE input_index ${bits.map((value, index) => `WHEN ${index} THEN ${value}`).join(' ')} END`
  return `${bit} IS DISTINCT FROM 1`
}

/** 32 bits are enough: a hash that two keys share costs a look at their rows, no more. */
function printSegments(contract: Contract, constants: RowConstants): Omit<Program['segments'], 'parseKeys'> {
  const keyed = contract.key.length > 0
  const hash = `CAST(hash(${keyValues(contract).join(', ')}) >> 32 AS UINTEGER)`
  const repeated = `${hash} IN (SELECT h FROM sluice_repeated_hashes)`
  const alone = `SELECT ${printCurated(contract, constants)} FROM sluice_good`
  return {
    keyHashes: keyed ? `SELECT ${hash} AS h FROM {rows}` : null,
    // A condition that is more than IN stays a lookup row by row, which keeps the rows in order.
    alone: keyed ? `${alone} WHERE (${repeated}) IS DISTINCT FROM true` : alone,
    setApart: keyed
      ? [
          `CREATE OR REPLACE TEMP TABLE sluice_duplicates AS SELECT input_index, record_number FROM sluice_good WHERE ${repeated}`,
        ]
      : printDuplicates(contract, constants),
    rowsApart: 'SELECT * FROM sluice_good ORDER BY record_number',
  }
}

const printCurated = (contract: Contract, constants: RowConstants): string =>
  curatedColumns(contract)
    .map((column) => curatedValue(column, contract, constants))
    .join(', ')

function printRejectsView({ tenantId, dataset, inputs }: RowConstants, rawCharacters: number): string {
  const provenance = `${jobId(inputs)} AS job_id, ${text(tenantId)} AS tenant_id, ${text(dataset)} AS dataset, record_number`
  const kept = `SELECT ${provenance}, array_to_string(json_extract_string(_errors, '$[*].code'), ',') AS codes, array_to_string(list_transform(json_extract_string(_errors, '$[*].column'), lambda c: coalesce(c, '')), ',') AS columns, _errors AS errors, left(_raw, ${rawCharacters}) AS raw, sha256(_raw) AS raw_sha256, input_index FROM sluice_rows WHERE _errors IS NOT NULL`
  const malformed = `SELECT ${provenance}, code AS codes, '' AS columns, CAST(to_json([{'code': code, 'column': NULL, 'value': left(raw, 256), 'message': message}]) AS VARCHAR) AS errors, raw, raw_sha256, input_index FROM sluice_malformed`
  return `CREATE OR REPLACE TEMP VIEW sluice_rejects AS ${kept} UNION ALL ${malformed}`
}

export type PrintedResolve = Pick<
  Program,
  | 'malformedTable'
  | 'resolve'
  | 'curated'
  | 'rejects'
  | 'duplicateCounts'
  | 'contentHash'
  | 'rejectCodes'
  | 'rejectSample'
  | 'typeErrors'
> & { readonly segments: Omit<Program['segments'], 'parseKeys'> }

export function printResolve(contract: Contract, constants: RowConstants): PrintedResolve {
  const columns = curatedColumns(contract)
  const hashed = columns
    .filter(({ role, name: column }) => role === 'contract' || role === 'rescued' || column === 'record_number')
    .map(({ name: column }) => name(column))
    .join(', ')
  const marks = markRecords('sluice_malformed', 'sluice_malformed', constants.inputs)
  const rows = [
    `CREATE OR REPLACE TEMP VIEW sluice_rows AS SELECT * FROM sluice_parsed WHERE ${isUnmarked('sluice_malformed', constants.inputs)}`,
    'CREATE OR REPLACE TEMP VIEW sluice_good AS SELECT * FROM sluice_rows WHERE _errors IS NULL',
  ]
  const output = [
    ...markRecords('sluice_duplicate', 'sluice_duplicates', constants.inputs),
    `CREATE OR REPLACE TEMP VIEW sluice_curated AS SELECT ${printCurated(contract, constants)} FROM sluice_good WHERE ${isUnmarked('sluice_duplicate', constants.inputs)}`,
    printRejectsView(constants, contract.limits.rawCharacters),
  ]
  const first = `SELECT record_number, codes, columns, left(raw, ${SAMPLE_RAW_CHARACTERS}) AS raw, raw_sha256, errors FROM sluice_rejects_written ORDER BY record_number LIMIT ${SAMPLE_ROWS}`
  const sized = `SELECT *, sum(strlen(coalesce(raw, '')) + strlen(errors)) OVER (ORDER BY record_number ROWS UNBOUNDED PRECEDING) AS bytes FROM (${first})`
  const sample = `SELECT * EXCLUDE (bytes) FROM (${sized}) WHERE bytes <= ${SAMPLE_BYTES}`
  return {
    malformedTable:
      'CREATE OR REPLACE TEMP TABLE sluice_malformed (input_index INTEGER, record_number BIGINT, code VARCHAR, message VARCHAR, raw VARCHAR, raw_sha256 VARCHAR)',
    resolve: { marks, rows, duplicates: printDuplicates(contract, constants), output },
    segments: printSegments(contract, constants),
    curated: 'SELECT * FROM sluice_curated',
    rejects:
      'SELECT job_id, tenant_id, dataset, record_number, codes, columns, errors, raw, raw_sha256 FROM sluice_rejects ORDER BY input_index, record_number',
    duplicateCounts:
      'SELECT input_index, count(*)::BIGINT AS duplicates FROM sluice_duplicates GROUP BY input_index ORDER BY input_index',
    contentHash: `SELECT CAST(coalesce(sum(CAST(hash(${hashed}) AS HUGEINT)), 0) AS VARCHAR) AS content_hash FROM sluice_written`,
    rejectCodes: `SELECT split_part(codes, ',', 1) AS code, nullif(split_part(columns, ',', 1), '') AS "column", count(*)::BIGINT AS rows FROM sluice_rejects_written GROUP BY ALL ORDER BY rows DESC, code, "column" LIMIT 10`,
    rejectSample: `SELECT coalesce(CAST(to_json(list(s ORDER BY s.record_number)) AS VARCHAR), '[]') AS document FROM (SELECT {'record_number': record_number, 'codes': codes, 'columns': columns, 'raw': raw, 'raw_sha256': raw_sha256, 'errors': errors} AS s FROM (${sample}))`,
    typeErrors: `SELECT count(*)::BIGINT AS type_errors FROM sluice_rejects_written WHERE list_has_any(string_split(codes, ','), [${texts(TYPE_CODES)}])`,
  }
}
