import type { DuckDBConnection } from '@duckdb/node-api'
import { keyOf } from './relations.ts'
import { SqlError } from './sql-error.ts'
import type { Grantee, Securable, UtilityStatement } from './utility-statement.ts'

/** The superuser of the warehouse: the operator, and whoever holds the administrator's secret. */
export const ADMINISTRATOR = 'admin'

/** Tables of the access catalog; they live in the warehouse's file, so that a rolled back GRANT never was. */
export const ACCESS_TABLES: readonly string[] = [
  'CREATE SCHEMA IF NOT EXISTS sluice_catalog',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.principals (kind VARCHAR, name VARCHAR)',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.members (role VARCHAR, kind VARCHAR, name VARCHAR)',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.grants (securable VARCHAR, privilege VARCHAR, kind VARCHAR, grantee VARCHAR)',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.owners (relation VARCHAR, owner VARCHAR)',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.policies (name VARCHAR, predicate VARCHAR)',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.attachments (policy VARCHAR, relation VARCHAR, kind VARCHAR, grantee VARCHAR)',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.row_security (relation VARCHAR)',
  'CREATE TABLE IF NOT EXISTS sluice_catalog.committed (id VARCHAR, outcome VARCHAR)',
]

type Rows = readonly (readonly (string | null)[])[]

export const readRows = async (
  connection: DuckDBConnection,
  sql: string,
  values: readonly string[] = [],
): Promise<Rows> => {
  const reader = await connection.runAndReadAll(sql, [...values])
  return reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))))
}

const change = async (connection: DuckDBConnection, sql: string, values: readonly string[]): Promise<void> => {
  await connection.run(sql, [...values])
}

const fold = (name: string): string => name.toLowerCase()

/** What one user may do, as of now. */
export interface Access {
  readonly user: string
  readonly superuser: boolean
  may(privilege: string, securable: string): boolean
  owns(relation: string): boolean
  /** Predicates that rows of the relation must satisfy for this user; `null`: no row-level security. */
  policies(relation: string): readonly string[] | null
}

const UNRESTRICTED = (user: string): Access => ({
  user,
  superuser: true,
  may: () => true,
  owns: () => true,
  policies: () => null,
})

/** Reads what the user may do. A superuser may do everything and obeys no policy. */
export async function readAccess(connection: DuckDBConnection, user: string): Promise<Access> {
  if (fold(user) === ADMINISTRATOR) return UNRESTRICTED(user)
  const mine = fold(user)
  const roles = await readRows(connection, "SELECT role FROM sluice_catalog.members WHERE kind = 'user' AND name = ?", [
    mine,
  ])
  const held = new Set(['role public', `user ${mine}`, ...roles.map(([role]) => `role ${role}`)])
  const holds = (kind: string | null | undefined, name: string | null | undefined): boolean =>
    held.has(`${kind} ${name}`)
  const grants = await readRows(connection, 'SELECT securable, privilege, kind, grantee FROM sluice_catalog.grants')
  const granted = new Set(
    grants.flatMap(([on, privilege, kind, name]) => (holds(kind, name) ? [`${privilege} ${on}`] : [])),
  )
  const owned = new Set(
    (await readRows(connection, 'SELECT relation FROM sluice_catalog.owners WHERE owner = ?', [mine])).flat(),
  )
  const secured = new Set((await readRows(connection, 'SELECT relation FROM sluice_catalog.row_security')).flat())
  const attached = await readRows(
    connection,
    'SELECT a.relation, a.kind, a.grantee, p.predicate FROM sluice_catalog.attachments AS a JOIN sluice_catalog.policies AS p ON p.name = a.policy',
  )
  return {
    user,
    superuser: false,
    may: (privilege, securable) => granted.has(`${privilege} ${securable}`) || owned.has(securable),
    owns: (relation) => owned.has(relation),
    policies: (relation) =>
      secured.has(relation)
        ? attached.flatMap(([on, kind, name, predicate]) =>
            on === relation && holds(kind, name) && predicate !== null && predicate !== undefined ? [predicate] : [],
          )
        : null,
  }
}

/** @throws SqlError `permission denied for …` */
export function requirePrivilege(access: Access, privilege: string, relation: { schema: string; name: string }): void {
  if (access.superuser) return
  if (!access.may('usage', `schema ${relation.schema}`) && !access.owns(keyOf(relation)))
    throw new SqlError(`permission denied for schema ${relation.schema}`)
  if (!access.may(privilege, keyOf(relation))) throw new SqlError(`permission denied for relation ${relation.name}`)
}

/** @throws SqlError `permission denied for …` where none of the rights to change rows is there */
export function requireWriter(access: Access, relation: { schema: string; name: string }): void {
  if (['insert', 'update', 'delete'].some((privilege) => access.may(privilege, keyOf(relation)))) return
  throw new SqlError(`permission denied for relation ${relation.name}`)
}

const forEachGrantee = async (
  grantees: readonly Grantee[],
  work: (kind: string, name: string) => Promise<void>,
): Promise<void> => {
  for (const { kind, name } of grantees) await work(kind, fold(name))
}

const securableKeys = async (connection: DuckDBConnection, securable: Securable): Promise<readonly string[]> => {
  if (securable.kind === 'schema') return [`schema ${fold(securable.schema)}`]
  if (securable.kind === 'relation')
    return [`${fold(securable.relation.schema ?? 'public')}.${fold(securable.relation.name)}`]
  const tables = await readRows(connection, 'SELECT table_name FROM information_schema.tables WHERE table_schema = ?', [
    fold(securable.schema),
  ])
  return tables.map(([name]) => `${fold(securable.schema)}.${name}`)
}

async function principalExists(connection: DuckDBConnection, kind: string, name: string): Promise<boolean> {
  const found = await readRows(connection, 'SELECT 1 FROM sluice_catalog.principals WHERE kind = ? AND name = ?', [
    kind,
    name,
  ])
  return found.length > 0
}

/** All combinations in two statements: a deployment grants and revokes a hundred of them. */
async function changeGrants(
  connection: DuckDBConnection,
  statement: Extract<UtilityStatement, { kind: 'grant' | 'revoke' }>,
): Promise<void> {
  const keys: string[] = []
  for (const securable of statement.securables) keys.push(...(await securableKeys(connection, securable)))
  const rows = keys.flatMap((key) =>
    statement.privileges.flatMap((privilege) =>
      statement.grantees.map(({ kind, name }) => [key, privilege, kind, fold(name)]),
    ),
  )
  if (rows.length === 0) return
  const values = rows.map(() => '(?, ?, ?, ?)').join(', ')
  await change(
    connection,
    `DELETE FROM sluice_catalog.grants WHERE (securable, privilege, kind, grantee) IN (VALUES ${values})`,
    rows.flat(),
  )
  if (statement.kind === 'grant')
    await change(connection, `INSERT INTO sluice_catalog.grants VALUES ${values}`, rows.flat())
}

async function createPrincipal(connection: DuckDBConnection, kind: 'role' | 'user', name: string): Promise<void> {
  if (await principalExists(connection, kind, fold(name))) throw new SqlError(`${kind} "${name}" already exists`)
  await change(connection, 'INSERT INTO sluice_catalog.principals VALUES (?, ?)', [kind, fold(name)])
}

/** @throws SqlError `user "…" does not exist` */
export async function requireUser(connection: DuckDBConnection, name: string): Promise<void> {
  if (fold(name) === ADMINISTRATOR || (await principalExists(connection, 'user', fold(name)))) return
  throw new SqlError(`user "${name}" does not exist`)
}

async function dropPolicy(
  connection: DuckDBConnection,
  { name, ifExists, cascade }: { name: string; ifExists: boolean; cascade: boolean },
): Promise<void> {
  const known = await readRows(connection, 'SELECT 1 FROM sluice_catalog.policies WHERE name = ?', [fold(name)])
  if (known.length === 0 && !ifExists) throw new SqlError(`RLS policy "${name}" does not exist`)
  const attached = await readRows(connection, 'SELECT 1 FROM sluice_catalog.attachments WHERE policy = ?', [fold(name)])
  if (attached.length > 0 && !cascade) throw new SqlError(`cannot drop RLS policy "${name}" because it is attached`)
  await change(connection, 'DELETE FROM sluice_catalog.attachments WHERE policy = ?', [fold(name)])
  await change(connection, 'DELETE FROM sluice_catalog.policies WHERE name = ?', [fold(name)])
}

async function changeAttachments(
  connection: DuckDBConnection,
  statement: Extract<UtilityStatement, { kind: 'attach policy' | 'detach policy' }>,
): Promise<void> {
  const relation = `${fold(statement.relation.schema ?? 'public')}.${fold(statement.relation.name)}`
  const policy = fold(statement.name)
  const known = await readRows(connection, 'SELECT 1 FROM sluice_catalog.policies WHERE name = ?', [policy])
  if (known.length === 0) throw new SqlError(`RLS policy "${statement.name}" does not exist`)
  await forEachGrantee(statement.grantees, async (kind, name) => {
    const values = [policy, relation, kind, name]
    await change(
      connection,
      'DELETE FROM sluice_catalog.attachments WHERE policy = ? AND relation = ? AND kind = ? AND grantee = ?',
      values,
    )
    if (statement.kind === 'attach policy')
      await change(connection, 'INSERT INTO sluice_catalog.attachments VALUES (?, ?, ?, ?)', values)
  })
}

/** Carries out a statement about users, roles, privileges and policies inside the connection's transaction. */
export async function changeAccess(connection: DuckDBConnection, statement: UtilityStatement): Promise<void> {
  switch (statement.kind) {
    case 'create role':
      return createPrincipal(connection, 'role', statement.name)
    case 'create user':
      return createPrincipal(connection, 'user', statement.name)
    case 'drop role':
    case 'drop user': {
      const kind = statement.kind === 'drop role' ? 'role' : 'user'
      return change(connection, 'DELETE FROM sluice_catalog.principals WHERE kind = ? AND name = ?', [
        kind,
        fold(statement.name),
      ])
    }
    case 'grant role':
    case 'revoke role': {
      const values = [fold(statement.role), statement.grantee.kind, fold(statement.grantee.name)]
      await change(connection, 'DELETE FROM sluice_catalog.members WHERE role = ? AND kind = ? AND name = ?', values)
      if (statement.kind === 'grant role')
        await change(connection, 'INSERT INTO sluice_catalog.members VALUES (?, ?, ?)', values)
      return
    }
    case 'grant':
    case 'revoke':
      return changeGrants(connection, statement)
    case 'create policy':
      if (
        (await readRows(connection, 'SELECT 1 FROM sluice_catalog.policies WHERE name = ?', [fold(statement.name)]))
          .length > 0
      )
        throw new SqlError(`RLS policy "${statement.name}" already exists`)
      return change(connection, 'INSERT INTO sluice_catalog.policies VALUES (?, ?)', [
        fold(statement.name),
        statement.predicate,
      ])
    case 'drop policy':
      return dropPolicy(connection, statement)
    case 'attach policy':
    case 'detach policy':
      return changeAttachments(connection, statement)
    case 'row security': {
      const relation = `${fold(statement.relation.schema ?? 'public')}.${fold(statement.relation.name)}`
      await change(connection, 'DELETE FROM sluice_catalog.row_security WHERE relation = ?', [relation])
      if (statement.on) await change(connection, 'INSERT INTO sluice_catalog.row_security VALUES (?)', [relation])
      return
    }
    case 'owner':
      return setOwner(
        connection,
        `${fold(statement.relation.schema ?? 'public')}.${fold(statement.relation.name)}`,
        statement.user,
      )
    default:
      throw new SqlError(`statement is not supported here: ${statement.kind}`)
  }
}

/** Who made a relation may do everything with it. */
export async function setOwner(connection: DuckDBConnection, relation: string, user: string): Promise<void> {
  await change(connection, 'DELETE FROM sluice_catalog.owners WHERE relation = ?', [relation])
  await change(connection, 'INSERT INTO sluice_catalog.owners VALUES (?, ?)', [relation, fold(user)])
}

/** A dropped relation takes its grants, its owner and its row-level security along. */
export async function forgetRelation(connection: DuckDBConnection, relation: string): Promise<void> {
  await change(connection, 'DELETE FROM sluice_catalog.owners WHERE relation = ?', [relation])
  await change(connection, 'DELETE FROM sluice_catalog.grants WHERE securable = ?', [relation])
  await change(connection, 'DELETE FROM sluice_catalog.attachments WHERE relation = ?', [relation])
  await change(connection, 'DELETE FROM sluice_catalog.row_security WHERE relation = ?', [relation])
}
