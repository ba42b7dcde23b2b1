import { printPhysicalType } from '../core/column-type.ts'
import type { Contract } from '../core/contract.ts'
import { curatedColumns } from '../core/curated-columns.ts'
import { digestOfJson } from '../core/digest.ts'
import { SluiceError } from '../core/errors.ts'
import type { DatasetName, JobId, TenantId } from '../core/identifiers.ts'
import type { InputOptions, Mapping } from '../core/mapping.ts'
import { type RunInput, runFolder } from '../core/run-documents.ts'
import { comparableSequencer, type LandedSource } from '../core/source.ts'
import type { QualityPlan } from '../dqdl/quality-plan.ts'
import { buildIntermediate } from './build-intermediate.ts'
import type { IntermediateForm } from './intermediate.ts'
import type { Plan } from './plan.ts'
import type { Program, ProgramInput } from './program.ts'
import { historyKey } from './quality-history.ts'
import { printParse } from './sql/print-parse.ts'
import { framingOf } from './sql/print-reader.ts'
import { printResolve } from './sql/print-resolve.ts'

/** Part of what RegisterJob pins: changes with every change of the printed program, which a test holds it to. */
export const COMPILER_VERSION = '2'

/** What validation saw in the sample. */
export interface SampleFacts {
  /** Names of the source's columns in order: the header, `input.columns` without one, the members of the JSON objects, the Parquet columns. */
  readonly header: readonly string[]
  readonly encoding: ProgramInput['encoding']
  readonly compression: 'none' | 'gzip' | 'zstd'
}

export interface CompileRequest {
  readonly contract: Contract
  readonly mapping: Mapping
  readonly quality: QualityPlan
  readonly pinned: Plan['pinned']
  readonly job: {
    readonly jobId: JobId
    readonly tenantId: TenantId
    readonly dataset: DatasetName
    /** ISO 8601 UTC */
    readonly registeredAt: string
    /** `YYYY-MM-DD` */
    readonly ingestDate: string
    readonly replayId: string | null
  }
  readonly source: LandedSource
  readonly sample: SampleFacts
  readonly buckets: {
    readonly validated: string
    readonly curated: string
    readonly work: string
    readonly dqResults: string
  }
}

/** Where the workflow puts the copy of the validated version. */
export const validatedKey = (job: CompileRequest['job'], sourceKey: string): string =>
  `${job.tenantId}/${job.dataset}/job=${job.jobId}/${sourceKey.slice(sourceKey.lastIndexOf('/') + 1)}`

function destinationsOf({ job, buckets }: CompileRequest): Plan['destinations'] {
  const { tenantId, dataset, ingestDate } = job
  const run = `s3://${buckets.work}/${runFolder(tenantId, '{runId}')}`
  const quality = `s3://${buckets.dqResults}/${dataset}/tenant=${tenantId}/run={runId}`
  return {
    curated: `s3://${buckets.curated}/${dataset}/tenant=${tenantId}/ingest_date=${ingestDate}/run={runId}/`,
    rejects: `s3://${buckets.curated}/rejects/${dataset}/tenant=${tenantId}/run={runId}/`,
    manifest: `${run}/manifest.json`,
    summary: `${run}/summary.json`,
    rejectSample: `${run}/reject-sample.json`,
    qualityResult: `${quality}/result.json`,
    qualityVerdict: `${quality}/verdict.json`,
    ...(job.replayId === null ? { qualityHistory: `s3://${buckets.dqResults}/${historyKey(job)}` } : {}),
  }
}

const runInput = ({ job, source }: CompileRequest): RunInput => ({
  bucket: source.bucket,
  key: source.key,
  versionId: source.versionId,
  jobId: job.jobId,
  sizeBytes: source.sizeBytes,
  modifiedAt: source.landedAt,
  sequencer: comparableSequencer(source.sequencer),
})

function requireOneByte(input: InputOptions): void {
  for (const character of [input.delimiter, input.quote, input.escape])
    if (character.length > 1 || character.charCodeAt(0) > 127)
      throw new SluiceError(
        'invalid_mapping',
        `Cannot use "${character}" as delimiter, quote or escape: it must be one ASCII character`,
        {
          where: { path: 'input' },
          found: character,
        },
      )
}

/** Members of JSON objects may first appear behind the sample: all that the mapping names count as there. */
function sourceColumns({ input, fields }: Mapping, header: readonly string[]): readonly string[] {
  if (input.format !== 'json_lines' && input.format !== 'json_array') return header
  return [...new Set([...header, ...fields.flatMap(({ sources }) => sources)])]
}

/** Of the intermediate form what the key's columns need. */
const keysOf = (form: IntermediateForm, { key }: Contract): IntermediateForm => ({
  ...form,
  fields: form.fields.filter(({ target }) => key.includes(target)),
  rescued: [],
  additive: 'ignore',
})

function printProgram(request: CompileRequest, intermediate: IntermediateForm, inputs: readonly RunInput[]): Program {
  const { contract, mapping, job, sample } = request
  const framing = framingOf(mapping.input, intermediate.sourceColumns.length, contract.limits)
  const { compressionRatio } = contract.limits
  const resolved = printResolve(contract, {
    tenantId: job.tenantId,
    dataset: job.dataset,
    contractVersion: contract.version,
    mappingVersion: mapping.version,
    sourceSystem: mapping.sourceSystem,
    replayId: job.replayId,
    ingestedAt: job.registeredAt,
    inputs,
  })
  return {
    programVersion: 1,
    inputs: inputs.map(() => ({
      format: mapping.input.format,
      compression: sample.compression,
      encoding: sample.encoding,
      compressionRatio,
      framing,
    })),
    session: ["SET TimeZone = 'UTC'", 'SET preserve_insertion_order = true'],
    parse: printParse(intermediate, mapping.input.format, framing),
    parsedColumns: [
      ...curatedColumns(contract)
        .filter(({ role }) => role === 'contract' || role === 'rescued')
        .map((column) => ({ name: column.name, type: printPhysicalType(column, 'duckdb') })),
      { name: '_errors', type: 'VARCHAR' },
      { name: '_raw', type: 'VARCHAR' },
    ],
    ...resolved,
    segments: {
      ...resolved.segments,
      parseKeys:
        contract.key.length === 0 ? null : printParse(keysOf(intermediate, contract), mapping.input.format, framing),
    },
    key: contract.key.map((column) => ({
      name: column,
      text: contract.columns.find(({ name }) => name === column)?.type.kind === 'string',
    })),
    versionOrder: ['_event_time', '_source_modified', '_sequencer', 'record_number'],
  }
}

/**
 * Compiles what one run will do. Pure: equal requests give equal plans.
 *
 * @throws SluiceError `missing_required_column`, `invalid_mapping`, `invalid_format`
 */
export function compilePlan(request: CompileRequest): Plan {
  const { contract, mapping, job, source, sample, buckets, pinned, quality } = request
  requireOneByte(mapping.input)
  const header = sourceColumns(mapping, sample.header)
  const intermediate = buildIntermediate(contract, mapping, header)
  const inputs = [runInput(request)]
  const schema = curatedColumns(contract).map((column) => ({
    name: column.name,
    type: printPhysicalType(column, 'glue'),
  }))
  return {
    planVersion: 1,
    tenantId: job.tenantId,
    dataset: job.dataset,
    pinned,
    inputs,
    reads: [{ bucket: buckets.validated, key: validatedKey(job, source.key) }],
    ingestedAt: job.registeredAt,
    replayId: job.replayId,
    engine: source.sizeBytes >= contract.largeFromBytes ? 'large' : 'small',
    destinations: destinationsOf(request),
    intermediate,
    program: printProgram(request, intermediate, inputs),
    quality,
    schema,
    schemaHash: digestOfJson(schema),
    rejectTolerance: contract.rejectTolerance,
    typeCoercion: contract.drift.typeCoercion,
  }
}
