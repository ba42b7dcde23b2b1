import type { Digest } from '../../../core/digest.ts'
import type { ReplayManifest } from '../../../replay/manifest.ts'
import type { ManifestProblem } from '../../../replay/parse-manifest.ts'
import type { Fields } from '../../input.ts'
import { type Database, firstRowOf, type Queryable, rowsOf } from '../database.ts'

export type ReplayStatus = 'PLANNING' | 'RUNNING' | 'COMPLETED'

/** A replay that was accepted. */
export interface ReplayRecord {
  readonly replayId: string
  readonly manifestSha256: string
  readonly status: ReplayStatus
  readonly reason: string
  readonly requestedBy: string
  readonly configuration: string
  /** The execution of the replay machine that carries it on. */
  readonly executionArn: string
  /** Sources of the plan, and how many of them run; `null` until it is planned. */
  readonly sources: number | null
  readonly runs: number | null
  /** Sources by outcome; `null` until it is closed. */
  readonly totals: unknown
  readonly acceptedAt: string
  /** What `now()` of a rule means for the jobs that the replay makes. */
  readonly plannedAt: string | null
  readonly closedAt: string | null
}

const utc = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ${column}`

const COLUMNS = `replay_id, manifest_sha256, status, reason, requested_by, configuration, execution_arn, sources, runs, totals,
  ${utc('accepted_at')}, ${utc('planned_at')}, ${utc('closed_at')}`

const recordOf = (row: Fields): ReplayRecord => ({
  replayId: row.text('replay_id'),
  manifestSha256: row.text('manifest_sha256'),
  status: row.oneOf('status', ['PLANNING', 'RUNNING', 'COMPLETED']),
  reason: row.text('reason'),
  requestedBy: row.text('requested_by'),
  configuration: row.text('configuration'),
  executionArn: row.text('execution_arn'),
  sources: row.numberOrNull('sources'),
  runs: row.numberOrNull('runs'),
  totals: row.unknown('totals') ?? null,
  acceptedAt: row.text('accepted_at'),
  plannedAt: row.textOrNull('planned_at'),
  closedAt: row.textOrNull('closed_at'),
})

/** `null` when no manifest of that id was accepted. */
export async function readReplay(sql: Queryable, replayId: string): Promise<ReplayRecord | null> {
  const row = await firstRowOf(sql, `SELECT ${COLUMNS} FROM sluice.replays WHERE replay_id = $1`, [replayId])
  return row === null ? null : recordOf(row)
}

/** Why another manifest cannot have the id of one that was accepted. */
export const differsProblem = ({ replayId, manifestSha256 }: ReplayRecord, sha256: Digest): ManifestProblem => ({
  field: '$.replayId',
  message: `Replay "${replayId}" was accepted with other bytes: another manifest needs another id`,
  expected: `the manifest with SHA-256 ${manifestSha256}`,
  found: sha256,
})

export interface ReplayClaim {
  readonly manifest: ReplayManifest
  readonly sha256: Digest
  readonly executionArn: string
  /** The execution that carried the replay on and has ended, so that the claimant may. */
  readonly takeOver: string | null
  /** ISO 8601 UTC */
  readonly now: string
}

/**
 * Takes a replay up for an execution: enters it if it is new, takes it over if its execution has ended. The record answers whose it
 * is; the uniqueness of the id is the database's.
 */
export const claimReplay = (database: Database, claim: ReplayClaim): Promise<ReplayRecord> =>
  database.asOperator(async (sql) => {
    const { manifest, sha256, executionArn, takeOver, now } = claim
    const { replayId, reason, requestedBy, configuration, options } = manifest
    await sql.query(
      `INSERT INTO sluice.replays
         (replay_id, manifest_sha256, reason, requested_by, configuration, options, execution_arn, accepted_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
      [replayId, sha256, reason, requestedBy, configuration, JSON.stringify(options), executionArn, now],
    )
    if (takeOver !== null)
      await sql.query(
        `UPDATE sluice.replays SET execution_arn = $3
         WHERE replay_id = $1 AND manifest_sha256 = $2 AND execution_arn = $4 AND status <> 'COMPLETED'`,
        [replayId, sha256, executionArn, takeOver],
      )
    const record = await readReplay(sql, replayId)
    if (record === null) throw new Error(`Replay ${replayId} vanished in its own transaction`)
    return record
  })

/** Pins the plan: from now on the replay is what its plan says. */
export const startReplay = (database: Database, replayId: string, sources: number, runs: number, now: string) =>
  database.asOperator((sql) =>
    sql.query(
      `UPDATE sluice.replays SET status = 'RUNNING', sources = $2, runs = $3, planned_at = $4
       WHERE replay_id = $1 AND status = 'PLANNING'`,
      [replayId, sources, runs, now],
    ),
  )

/** Records the end; a replay that has ended stays as it is. */
export const endReplay = (database: Database, replayId: string, totals: object, now: string) =>
  database.asOperator((sql) =>
    sql.query(
      `UPDATE sluice.replays SET status = 'COMPLETED', totals = $2, closed_at = $3
       WHERE replay_id = $1 AND status = 'RUNNING'`,
      [replayId, JSON.stringify(totals), now],
    ),
  )

/** Attempts of a replay by status: how far it is. */
export async function progressOf(sql: Queryable, replayId: string): Promise<Readonly<Record<string, number>>> {
  const rows = await rowsOf(sql, 'SELECT status, attempts::integer AS attempts FROM sluice.admin_replay_progress($1)', [
    replayId,
  ])
  return Object.fromEntries(rows.map((row) => [row.text('status'), row.integer('attempts')]))
}
