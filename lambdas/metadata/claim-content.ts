import { parseJobId } from '../../core/identifiers.ts'
import type { ClaimContentRequest, ClaimContentResult } from '../messages.ts'
import { type Database, firstRowOf } from './database.ts'

/** A completed job of the same tenant, dataset and configuration, whose source had the same SHA-256; the oldest one. */
const FIRST_WITH_CONTENT = `
  SELECT first.job_id FROM sluice.ingestion_jobs mine
  JOIN sluice.source_objects same ON same.tenant_id = mine.tenant_id AND same.sha256 = $3
  JOIN sluice.ingestion_jobs first ON first.tenant_id = same.tenant_id AND first.source_object_id = same.source_object_id
    AND first.dataset = mine.dataset AND first.configuration_hash = mine.configuration_hash
    AND first.status = 'COMPLETED' AND first.job_id <> mine.job_id
  WHERE mine.tenant_id = $1 AND mine.job_id = $2
  ORDER BY first.sequence LIMIT 1`

/** Records the content's SHA-256 with the source, and says whether the same content was completed before. */
export const claimContent = (database: Database, request: ClaimContentRequest): Promise<ClaimContentResult> =>
  database.asTenant(request.tenantId, async (sql) => {
    const { tenantId, jobId, sha256, force } = request
    await sql.query(
      `UPDATE sluice.source_objects s SET sha256 = $3 FROM sluice.ingestion_jobs j
       WHERE j.tenant_id = $1 AND j.job_id = $2 AND s.tenant_id = j.tenant_id AND s.source_object_id = j.source_object_id`,
      [tenantId, jobId, sha256],
    )
    const first = force ? null : await firstRowOf(sql, FIRST_WITH_CONTENT, [tenantId, jobId, sha256])
    if (first === null) return { decision: 'run', duplicateOf: null }
    return { decision: 'duplicate', duplicateOf: parseJobId(first.text('job_id')) }
  })
