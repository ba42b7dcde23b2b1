import { digestOf } from '../../core/digest.ts'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { type Queryable, rowsOf } from './database.ts'

/** One numbered SQL file; applied once, in the order of `version`, and never edited afterwards. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
}

export interface MigrateResult {
  /** Names of those applied now, in order. */
  readonly applied: readonly string[]
  /** How many had been applied before. */
  readonly alreadyApplied: number
}

/** Reads `0001_roles.sql` and its like. @throws SluiceError `invalid_migration` on another name or a number used twice */
export function migrationsOf(files: readonly { readonly name: string; readonly sql: string }[]): readonly Migration[] {
  const migrations = files.map(({ name, sql }) => {
    const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]
    if (number === undefined)
      throw new SluiceError('invalid_migration', `Cannot use migration "${name}": its name must be 0001_words.sql`)
    return { version: Number(number), name, sql }
  })
  const sorted = migrations.toSorted((one, other) => one.version - other.version)
  const twice = sorted.find((migration, index) => migration.version === sorted[index + 1]?.version)
  if (twice !== undefined) throw new SluiceError('invalid_migration', `Migration number ${twice.version} is used twice`)
  return sorted
}

/** Any number that nothing else in this database locks. */
const LOCK = 5_849_301

async function createRecord(sql: Queryable): Promise<void> {
  await sql.query(`
    BEGIN;
    SELECT pg_advisory_xact_lock(${LOCK});
    CREATE SCHEMA IF NOT EXISTS sluice;
    CREATE TABLE IF NOT EXISTS sluice.schema_migrations (
      version integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, applied_at timestamptz NOT NULL);
    COMMIT`)
}

async function inTransaction<T>(sql: Queryable, work: () => Promise<T>): Promise<T> {
  await sql.query('BEGIN')
  try {
    await sql.query(`SELECT pg_advisory_xact_lock(${LOCK})`)
    const result = await work()
    await sql.query('COMMIT')
    return result
  } catch (thrown) {
    await sql.query('ROLLBACK')
    throw thrown
  }
}

/** Applies one migration unless it was; the lock lets one deployment at a time through. */
function apply(sql: Queryable, migration: Migration, at: string): Promise<boolean> {
  const sha256 = digestOf(migration.sql)
  return inTransaction(sql, async () => {
    const [known] = await rowsOf(sql, 'SELECT name, sha256 FROM sluice.schema_migrations WHERE version = $1', [
      migration.version,
    ])
    if (known !== undefined) {
      if (known.text('sha256') === sha256) return false
      throw new SluiceError('migration_changed', `Migration ${migration.name} was edited after it had been applied`, {
        expected: known.text('sha256'),
        found: sha256,
        hint: 'restore the file and write the change as a new migration',
      })
    }
    try {
      await sql.query(migration.sql)
    } catch (thrown) {
      throw new SluiceError('migration_failed', `Cannot apply ${migration.name}: ${messageOf(thrown)}`, {
        cause: thrown,
      })
    }
    await sql.query('RESET ROLE')
    await sql.query('INSERT INTO sluice.schema_migrations VALUES ($1, $2, $3, $4)', [
      migration.version,
      migration.name,
      sha256,
      at,
    ])
    return true
  })
}

/**
 * Brings the database to the newest schema; repeating it changes nothing.
 * @param sql one connection of the database's administrator @param at ISO 8601 UTC
 * @throws SluiceError `migration_changed`, `migration_failed`
 */
export async function migrate(sql: Queryable, migrations: readonly Migration[], at: string): Promise<MigrateResult> {
  await createRecord(sql)
  const applied: string[] = []
  for (const migration of migrations) if (await apply(sql, migration, at)) applied.push(migration.name)
  return { applied, alreadyApplied: migrations.length - applied.length }
}
