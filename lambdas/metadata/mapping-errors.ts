import type { Fields } from '../input.ts'
import { type Database, rowsOf } from './database.ts'

/** What one mapping could not map on one day. */
export interface MappingErrors {
  /** `YYYY-MM-DD`, the day (UTC) on which the jobs were registered. */
  readonly day: string
  readonly tenantId: string
  readonly dataset: string
  readonly mappingVersion: number
  readonly mappingHash: string
  readonly jobs: number
  readonly quarantinedJobs: number
  readonly inputRows: number
  readonly rejectedRows: number
}

/** Days and mappings of one answer. */
const MAX_ROWS = 5000

/** Errors by mapping and day, newest first. @throws SluiceError `invalid_input` */
export async function listMappingErrors(database: Database, request: Fields): Promise<readonly MappingErrors[]> {
  const time = (name: string) => (request.has(name) ? request.time(name) : null)
  const rows = await database.asOperator((sql) =>
    rowsOf(
      sql,
      `SELECT day, tenant_id, dataset, mapping_version, mapping_hash, jobs::float8 AS jobs,
         quarantined_jobs::float8 AS quarantined_jobs, input_rows::float8 AS input_rows, rejected_rows::float8 AS rejected_rows
       FROM sluice.admin_mapping_errors($1, $2, $3, $4, $5)`,
      [request.textOrNull('tenantId'), request.textOrNull('dataset'), time('since'), time('until'), MAX_ROWS],
    ),
  )
  return rows.map((row) => ({
    day: row.text('day'),
    tenantId: row.text('tenant_id'),
    dataset: row.text('dataset'),
    mappingVersion: row.integer('mapping_version'),
    mappingHash: row.text('mapping_hash'),
    jobs: row.integer('jobs'),
    quarantinedJobs: row.integer('quarantined_jobs'),
    inputRows: row.integer('input_rows'),
    rejectedRows: row.integer('rejected_rows'),
  }))
}
