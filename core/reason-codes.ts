/** Where in the workflow a reason arises. */
export type Stage = 'REGISTER' | 'INGEST_VALIDATION' | 'TRANSFORM' | 'DATA_QUALITY' | 'LOAD' | 'INFRASTRUCTURE'
export type TerminalStatus = 'QUARANTINED' | 'FAILED' | 'SKIPPED'

export interface Reason {
  readonly stage: Stage
  readonly status: TerminalStatus
  /** Of `sluice ingest` and `sluice job`. */
  readonly exitCode: 0 | 1 | 3
  /** Whether running the same bytes again can end otherwise, and after what. */
  readonly replay: 'after_configuration_change' | 'as_it_is' | 'no'
  /** One sentence for people. */
  readonly meaning: string
}

const refused = (stage: Stage, meaning: string, replay: Reason['replay'] = 'no'): Reason => ({
  stage,
  status: 'QUARANTINED',
  exitCode: 1,
  replay,
  meaning,
})
const failed = (meaning: string): Reason => ({
  stage: 'INFRASTRUCTURE',
  status: 'FAILED',
  exitCode: 3,
  replay: 'as_it_is',
  meaning,
})
const CHANGE = 'after_configuration_change'

/** Refusals that say a producer changed its data in a way the contract does not allow. */
const BREAKING: readonly string[] = ['missing_required_column', 'unexpected_column', 'type_drift']

/** Whether the reason is a breaking change, about which a contract may say that it fails the job. */
export const isBreakingChange = (code: ReasonCode): boolean => BREAKING.includes(code)

/** Every reason a job can end with other than success. The keys are public: `docs/reason-codes.md` is generated from here. */
export const REASONS = {
  unknown_tenant: refused('REGISTER', 'The tenant named in the key is not registered.', CHANGE),
  tenant_suspended: refused('REGISTER', 'The tenant is suspended.', CHANGE),
  unknown_dataset: refused(
    'REGISTER',
    'The dataset named in the key has no contract, or the tenant has no mapping for it.',
    CHANGE,
  ),
  invalid_key_prefix: refused('REGISTER', 'The key does not have the form landing/{tenant}/{dataset}/{name}.'),
  already_processed: {
    stage: 'REGISTER',
    status: 'SKIPPED',
    exitCode: 0,
    replay: 'no',
    meaning: 'The same source, or the same SHA-256 under the same configuration, was completed before.',
  },
  source_missing: refused('INGEST_VALIDATION', 'The object version is gone.'),
  tenant_mismatch: refused(
    'INGEST_VALIDATION',
    'The metadata of the object (x-amz-meta-tenant-id) names another tenant than its key.',
  ),
  empty_object: refused('INGEST_VALIDATION', 'The object has no bytes.'),
  file_too_small: refused('INGEST_VALIDATION', 'The object has fewer bytes than the contract asks for.', CHANGE),
  file_too_large: refused('INGEST_VALIDATION', 'The object has more bytes than the contract allows.', CHANGE),
  unsupported_extension: refused(
    'INGEST_VALIDATION',
    'The name ends in a suffix of a kind of file that cannot be read.',
  ),
  unsupported_format: refused('INGEST_VALIDATION', 'The content is of another format than the mapping names.', CHANGE),
  unsupported_compression: refused('INGEST_VALIDATION', 'The content is compressed in a way that cannot be read.'),
  bad_encoding: refused(
    'INGEST_VALIDATION',
    'The bytes are not valid text in the encoding that was declared or detected.',
    CHANGE,
  ),
  empty_sample: refused('INGEST_VALIDATION', 'The object holds nothing but blanks, line ends or a byte order mark.'),
  malformed_json: refused('INGEST_VALIDATION', 'The first JSON value cannot be parsed.'),
  missing_required_column: refused(
    'INGEST_VALIDATION',
    'A column that the mapping needs for a required target is not in the header.',
    CHANGE,
  ),
  unexpected_column: refused(
    'INGEST_VALIDATION',
    'The header has a column that no rule consumes and the contract rejects.',
    CHANGE,
  ),
  header_duplicate: refused('INGEST_VALIDATION', 'A name stands twice in the header.'),
  header_blank: refused('INGEST_VALIDATION', 'A name in the header is blank.'),
  delimiter_mismatch: refused(
    'INGEST_VALIDATION',
    'The header is separated by another character than the mapping declares.',
    CHANGE,
  ),
  too_many_columns: refused('INGEST_VALIDATION', 'The header has more columns than the contract allows.', CHANGE),
  row_too_long: refused('INGEST_VALIDATION', 'A record is longer than the contract allows.', CHANGE),
  truncated_upload: refused(
    'INGEST_VALIDATION',
    'The content ends inside a record: an open quote, or too few columns without a final line end.',
  ),
  compression_bomb: refused('INGEST_VALIDATION', 'The content expands by more than the contract allows.', CHANGE),
  type_drift: refused('TRANSFORM', 'A value does not fit its type and the contract coerces none.', CHANGE),
  breaking_change: {
    stage: 'INGEST_VALIDATION',
    status: 'FAILED',
    exitCode: 3,
    replay: CHANGE,
    meaning: 'The file breaks the contract, which says that such files fail instead of going to quarantine.',
  },
  too_many_rejects: refused('TRANSFORM', 'More rows are rejects than the contract tolerates.', CHANGE),
  malformed_records: refused('TRANSFORM', 'The records cannot be told apart from some point on.', CHANGE),
  counts_do_not_reconcile: {
    stage: 'LOAD',
    status: 'FAILED',
    exitCode: 3,
    replay: 'as_it_is',
    meaning: 'Rows of the source, of the run or of the load are not all accounted for.',
  },
  no_output: refused('DATA_QUALITY', 'The run promised files that are not there.', 'as_it_is'),
  gate_failed: refused('DATA_QUALITY', 'A quality rule of severity gate was not met.', CHANGE),
  gate_error: refused('DATA_QUALITY', 'A quality rule of severity gate could not be evaluated.', CHANGE),
  schema_mismatch: refused('LOAD', 'The files of the run do not have the columns and types of the table.', CHANGE),
  transform_failed: failed('The transform did not finish.'),
  quality_failed: failed('The quality evaluation did not finish.'),
  load_failed: failed('The warehouse did not accept the load.'),
  infrastructure_failed: failed('A service call failed and retries did not help.'),
  execution_aborted: failed('The execution was stopped.'),
  execution_timed_out: failed('The execution ran longer than it may.'),
} as const satisfies Record<string, Reason>

export type ReasonCode = keyof typeof REASONS

export const isReasonCode = (text: string): text is ReasonCode => Object.hasOwn(REASONS, text)
export const reasonOf = (code: ReasonCode): Reason => REASONS[code]
