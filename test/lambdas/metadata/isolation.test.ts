import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { TenantId } from '../../../core/identifiers.ts'
import { firstRowOf, rowsOf } from '../../../lambdas/metadata/database.ts'
import { migrate } from '../../../lambdas/metadata/migrate.ts'
import { registerJob } from '../../../lambdas/metadata/register-job.ts'
import { seedDatabase } from '../../../lambdas/metadata/seed.ts'
import { ENGINES, MIGRATIONS, type TestDatabase } from './databases.ts'
import { AT, inputOf, SEED, sourceOf } from './fixtures.ts'

const [ACME, GLOBEX] = ['acme', 'globex'] as TenantId[]

describe.each(ENGINES)('tenants on $name', ({ open }) => {
  let opened: TestDatabase
  beforeAll(async () => {
    opened = await open()
    await seedDatabase(opened.database, SEED, AT)
    for (const tenant of [ACME, GLOBEX]) {
      const input = inputOf(sourceOf(`landing/${tenant}/orders/a.csv`))
      await registerJob(opened.database, { input, executionArn: `arn:${tenant}`, at: AT, now: AT })
    }
  })
  afterAll(() => opened.close())

  const tenantTables = async (): Promise<string[]> => {
    const rows = await rowsOf(
      opened.admin,
      `SELECT table_name::text FROM information_schema.columns
       WHERE table_schema = 'sluice' AND column_name = 'tenant_id' ORDER BY 1`,
      [],
    )
    return rows.map((row) => row.text('table_name'))
  }

  test('TEN-12 TEST-04: one tenant sees its own rows and none of another, in every table', async () => {
    const tables = await tenantTables()
    expect(tables).toEqual(
      expect.arrayContaining(['tenants', 'ingestion_mappings', 'ingestion_jobs', 'source_objects', 'job_attempts']),
    )
    for (const table of tables) {
      const seen = await opened.database.asTenant('acme', (sql) =>
        rowsOf(sql, `SELECT DISTINCT tenant_id FROM sluice.${table}`),
      )
      expect(seen.map((row) => row.text('tenant_id')).filter((tenant) => tenant !== 'acme')).toEqual([])
    }
    const jobs = await opened.database.asTenant('globex', (sql) =>
      rowsOf(sql, `SELECT tenant_id FROM sluice.ingestion_jobs WHERE tenant_id IN ('acme', 'globex')`),
    )
    expect(jobs.map((row) => row.text('tenant_id'))).toEqual(['globex'])
  })

  const unprotected = async (): Promise<string[]> => {
    const rows = await rowsOf(
      opened.admin,
      `SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE n.nspname = 'sluice' AND c.relkind = 'r' AND c.relname = ANY ($1)
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`,
      [await tenantTables()],
    )
    return rows.map((row) => row.text('relname'))
  }

  test('TEN-12: every table with tenants has row-level security enabled and forced, and nothing is granted to PUBLIC', async () => {
    const granted = await rowsOf(
      opened.admin,
      `SELECT table_name::text FROM information_schema.role_table_grants
       WHERE table_schema = 'sluice' AND grantee = 'PUBLIC'`,
      [],
    )
    expect([...(await unprotected()), ...granted]).toEqual([])
  })

  test('DEP-09: a table with tenants and without forced row-level security is found', async () => {
    await opened.admin.query(`BEGIN; CREATE TABLE sluice.open_table (tenant_id text);
      ALTER TABLE sluice.open_table ENABLE ROW LEVEL SECURITY`)
    const found = await unprotected()
    await opened.admin.query('ROLLBACK')
    expect(found).toEqual(['open_table'])
  })

  test('TEN-12 TEST-04: the owner of the tables is filtered like anybody else', async () => {
    await opened.admin.query('BEGIN; SET LOCAL ROLE sluice_owner')
    await opened.admin.query(`SELECT set_config('app.tenant_id', $1, true)`, ['acme'])
    const seen = await rowsOf(opened.admin, 'SELECT DISTINCT tenant_id FROM sluice.ingestion_jobs', [])
    await opened.admin.query('ROLLBACK')
    expect(seen.map((row) => row.text('tenant_id'))).toEqual(['acme'])
  })

  test('TEN-13 TEST-04: without a tenant in the transaction no row is visible, also after a transaction that had one', async () => {
    const count = (): Promise<number> =>
      opened.database.asOperator(async (sql) => {
        const row = await firstRowOf(sql, 'SELECT count(*)::integer AS n FROM sluice.ingestion_jobs')
        return row?.integer('n') ?? -1
      })
    expect(await count()).toBe(0)
    for (let round = 0; round < 8; round += 1) {
      await opened.database.asTenant('acme', (sql) => rowsOf(sql, 'SELECT job_id FROM sluice.ingestion_jobs'))
      expect(await count()).toBe(0)
    }
  })

  test('TEN-12: a row of another tenant can be neither written nor changed', async () => {
    await expect(
      opened.database.asTenant('acme', (sql) =>
        sql.query(`INSERT INTO sluice.source_objects VALUES ('globex', 's1', 'b', 'k', 'v', 1, 'e', 's', now(), null)`),
      ),
    ).rejects.toMatchObject({ code: '42501' })
    const { rows } = await opened.database.asTenant('acme', (sql) =>
      sql.query(`UPDATE sluice.ingestion_jobs SET message = 'x' WHERE tenant_id = 'globex' RETURNING job_id`, []),
    )
    expect(rows).toEqual([])
  })

  test('TEN-14: what spans tenants is reachable only by SECURITY DEFINER functions with a fixed search path', async () => {
    const open = await rowsOf(
      opened.admin,
      `SELECT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
       WHERE n.nspname = 'sluice' AND has_function_privilege('sluice_app', p.oid, 'EXECUTE')
         AND NOT (p.prosecdef AND p.proname LIKE 'admin\\_%' AND 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig)
                  AND pg_get_userbyid(p.proowner) = 'sluice_admin')`,
      [],
    )
    const roles = await rowsOf(
      opened.admin,
      `SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'sluice\\_%' AND (rolsuper OR rolbypassrls)`,
      [],
    )
    const member = await firstRowOf(
      opened.admin,
      `SELECT pg_has_role('sluice_app', 'sluice_admin', 'MEMBER') AS member`,
      [],
    )
    expect([...open, ...roles]).toEqual([])
    expect(member?.flag('member', true)).toBe(false)
  })

  test('TEN-13: transactions that run at the same time keep their tenants apart', async () => {
    const seen = await Promise.all(
      Array.from({ length: 24 }, (_, index) => {
        const tenant = index % 2 === 0 ? 'acme' : 'globex'
        return opened.database.asTenant(tenant, async (sql) => {
          await sql.query('SELECT pg_sleep(0.005)', [])
          const rows = await rowsOf(sql, 'SELECT DISTINCT tenant_id FROM sluice.ingestion_jobs')
          return rows.every((row) => row.text('tenant_id') === tenant) && rows.length === 1
        })
      }),
    )
    expect(seen.every(Boolean)).toBe(true)
  })

  test('IDEM-07: applying the migrations again changes nothing, and an edited one is refused', async () => {
    expect(await migrate(opened.admin, MIGRATIONS, AT)).toEqual({ applied: [], alreadyApplied: MIGRATIONS.length })
    const edited = MIGRATIONS.map((migration) => ({ ...migration, sql: `${migration.sql}\n-- edited` }))
    await expect(migrate(opened.admin, edited, AT)).rejects.toMatchObject({ code: 'migration_changed' })
  })
})
