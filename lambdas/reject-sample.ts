import { messageOf, SluiceError } from '../core/errors.ts'
import { runFolder } from '../core/run-documents.ts'
import { Fields } from './input.ts'
import type { ObjectStore } from './object-store.ts'

/** One reject as `runs/{tenantId}/{runId}/reject-sample.json` has it: the columns of the rejects Parquet, the record's text cut. */
export interface SampledReject {
  /** Counted from 1 in the source. */
  readonly recordNumber: number
  /** Comma separated, the main one first. */
  readonly codes: string
  readonly columns: string
  /** JSON array of {code, column, value, message}, the first of them where they are very long. */
  readonly errors: string
  /** At most {@link RAW_CHARACTERS}. */
  readonly raw: string | null
  /** Hex SHA-256 of the whole record, however much of it is kept. */
  readonly rawSha256: string | null
}

const MAX_SAMPLED_REJECTS = 10_000
/** Characters of a record that are kept outside the rejects files. */
export const RAW_CHARACTERS = 1024
/** The transform writes texts of 12 MB at most, which are longer as JSON; a larger object is refused. */
const MAX_SAMPLE_BYTES = 32 * 1024 * 1024
const MAX_ERRORS_CHARACTERS = 8192

const listOf = (field: unknown): string => (Array.isArray(field) ? field.map(String).join(',') : String(field ?? ''))
const jsonOf = (field: unknown): string => (typeof field === 'string' ? field : JSON.stringify(field ?? []))

/** As many of a reject's errors as fit, so that it stays JSON. */
function errorsOf(field: unknown): string {
  const text = jsonOf(field)
  if (text.length <= MAX_ERRORS_CHARACTERS) return text
  const errors: unknown = JSON.parse(text)
  const kept: string[] = []
  let length = '[]'.length
  for (const error of Array.isArray(errors) ? errors : []) {
    const printed = JSON.stringify(error)
    length += printed.length + ','.length
    if (length > MAX_ERRORS_CHARACTERS) break
    kept.push(printed)
  }
  return `[${kept.join(',')}]`
}

function rejectOf(reject: Fields): SampledReject {
  const raw = reject.unknown('raw')
  return {
    recordNumber: Number(reject.unknown('record_number')),
    codes: listOf(reject.unknown('codes')),
    columns: listOf(reject.unknown('columns')),
    errors: errorsOf(reject.unknown('errors')),
    raw: raw === null || raw === undefined ? null : jsonOf(raw).slice(0, RAW_CHARACTERS),
    rawSha256: reject.textOrNull('raw_sha256'),
  }
}

/** @throws SluiceError `invalid_reject_sample` */
function parseRejectSample(text: string): readonly SampledReject[] {
  let sample: unknown
  try {
    sample = JSON.parse(text)
  } catch (cause) {
    throw new SluiceError('invalid_reject_sample', `Cannot read the reject sample: ${messageOf(cause)}`, { cause })
  }
  if (!Array.isArray(sample))
    throw new SluiceError('invalid_reject_sample', 'Cannot read the reject sample as it is no array')
  return sample
    .slice(0, MAX_SAMPLED_REJECTS)
    .map((reject: unknown, index) => rejectOf(new Fields(reject, `reject-sample[${index}]`)))
}

/** The first rejects of a run; empty when the run wrote no sample. */
export async function readRejectSample(
  objects: ObjectStore,
  workBucket: string,
  tenantId: string,
  runId: string,
): Promise<readonly SampledReject[]> {
  const text = await objects.readText(workBucket, `${runFolder(tenantId, runId)}/reject-sample.json`, MAX_SAMPLE_BYTES)
  return text === null ? [] : parseRejectSample(text)
}
