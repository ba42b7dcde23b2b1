import { type LandedSource, sequencerOfListed } from '../../core/source.ts'
import type { IngestInput, SweepRequest, SweepResult } from '../messages.ts'
import { type Database, type Queryable, rowsOf } from './database.ts'
import { sourceObjectIdOf } from './ingest-input.ts'
import { LANDED_SOURCE, landedSourceOf } from './landed-source.ts'

/** With keys of 1,024 bytes so many fit the state of the sweep machine. */
const MAX_STARTS = 120
const MAX_CHECKS = 100
/** Longer than an event takes: seconds mostly, minutes after a switch was turned on. */
const DEFAULT_GRACE_SECONDS = 900

const sweptInput = (source: LandedSource): IngestInput => ({
  source,
  sourceType: 's3',
  trigger: 'sweep',
  replay: null,
})

/** Landed versions that no job was ever registered for and that no event can still be under way for. */
async function unregistered(sql: Queryable, request: SweepRequest, landedBefore: number): Promise<IngestInput[]> {
  const due = request.landed
    .filter(({ landedAt }) => Date.parse(landedAt) <= landedBefore)
    .map((version) => ({ ...version, bucket: request.bucket, sequencer: sequencerOfListed(version) }))
  const ids = due.map((source) => sourceObjectIdOf(source))
  const known = await rowsOf(sql, 'SELECT id FROM sluice.admin_registered_sources($1) AS known(id)', [ids])
  const registered = new Set(known.map((row) => row.text('id')))
  return due.filter((_, index) => !registered.has(ids[index] ?? '')).map(sweptInput)
}

/** Jobs that found no slot in time; oldest first. */
async function deferred(sql: Queryable, atMost: number): Promise<IngestInput[]> {
  const rows = await rowsOf(sql, `SELECT ${LANDED_SOURCE} FROM sluice.admin_deferred_jobs($1)`, [atMost])
  return rows.map((row) => sweptInput(landedSourceOf(row)))
}

async function unheard(sql: Queryable, since: string, at: string): Promise<SweepResult['check']> {
  const rows = await rowsOf(sql, 'SELECT execution_arn FROM sluice.admin_jobs_to_check($1, $2, $3)', [
    since,
    at,
    MAX_CHECKS,
  ])
  return rows.map((row) => ({ executionArn: row.text('execution_arn') }))
}

/** Compares what landed with what was registered, and what is open with what was heard of. */
export const sweep = (database: Database, request: SweepRequest): Promise<SweepResult> =>
  database.asOperator(async (sql) => {
    const grace = (request.graceSeconds ?? DEFAULT_GRACE_SECONDS) * 1000
    const since = Date.parse(request.at) - grace
    const start = await unregistered(sql, request, since)
    if (request.page !== 1) return { start: start.slice(0, MAX_STARTS), check: [] }
    const waiting = await deferred(sql, Math.max(0, MAX_STARTS - start.length))
    const check = await unheard(sql, new Date(since).toISOString(), request.at)
    return { start: [...start, ...waiting], check }
  })
