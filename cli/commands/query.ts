import {
  type ColumnMetadata,
  type Field,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from '@aws-sdk/client-redshift-data'
import { messageOf } from '../../core/errors.ts'
import { parseTenantId, type TenantId } from '../../core/identifiers.ts'
import { analystSession } from '../../warehouse/analyst-session.ts'
import { clientSettings } from '../deployment.ts'
import { distinctNames } from '../distinct-names.ts'
import { withExactIntegers } from '../exact-integers.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { connectionOf } from '../session.ts'
import { columns as table } from '../table.ts'
import { runBatch } from '../warehouse-client.ts'

type Row = Record<string, string | number | boolean | null>

/** `2026-01-02 03:04:05.6` as the Data API writes it, in ISO 8601 UTC. */
const isoTimestamp = (text: string): string => {
  const [day = '', time = ''] = text.split(/[ T]/)
  return `${day}T${time.replace(/\+00(:00)?$/, '')}Z`
}

/** One field: 64-bit integers and decimals as text, since JSON numbers would lose digits. */
function jsonOf(field: Field, column: ColumnMetadata): string | number | boolean | null {
  if (field.isNull === true) return null
  const type = (column.typeName ?? '').toLowerCase()
  if (field.booleanValue !== undefined) return field.booleanValue
  if (field.longValue !== undefined)
    return type === 'int8' || type === 'bigint' ? String(field.longValue) : field.longValue
  if (field.doubleValue !== undefined) return field.doubleValue
  const text = field.stringValue ?? ''
  return type.startsWith('timestamp') ? isoTimestamp(text) : text
}

/** All rows of a statement's result. */
export async function rowsOf(client: RedshiftDataClient, Id: string): Promise<{ names: string[]; rows: Row[] }> {
  const rows: Row[] = []
  let names: string[] = []
  let NextToken: string | undefined
  do {
    const page = await client.send(
      new GetStatementResultCommand({ Id, ...(NextToken === undefined ? {} : { NextToken }) }),
    )
    const metadata = page.ColumnMetadata ?? []
    names = distinctNames(metadata.map((column) => column.name ?? ''))
    for (const record of page.Records ?? []) {
      rows.push(
        Object.fromEntries(record.map((field, index) => [names[index] ?? '', jsonOf(field, metadata[index] ?? {})])),
      )
    }
    NextToken = page.NextToken
  } while (NextToken !== undefined)
  return { names, rows }
}

const printRows = (names: readonly string[], rows: readonly Row[]): string =>
  table(
    [
      names,
      ...rows.map((row) =>
        names.map((name) => (row[name] === null || row[name] === undefined ? '∅' : String(row[name]))),
      ),
    ],
    names.map((name) => (rows.every((row) => /^-?[\d.]+$/.test(String(row[name] ?? '0'))) ? 'right' : 'left')),
  )

const tenantOf = (text: string): TenantId => {
  try {
    return parseTenantId(text)
  } catch (thrown) {
    throw new CommandError(EXIT.wrongUse, 'invalid_tenant', messageOf(thrown))
  }
}

/** A statement that answers no rows, such as SET, has no result to read. */
const asNoQuery = (thrown: unknown): never => {
  if (!(thrown instanceof Error) || thrown.name !== 'ResourceNotFoundException') throw thrown
  throw new CommandError(EXIT.wrongUse, 'query_failed', 'The statement answers no rows', 'Write a SELECT')
}

/** Runs one read-only statement in an analyst's session. */
export async function runQuery(
  client: RedshiftDataClient,
  sql: string,
  tenant: string | null,
): Promise<{ names: string[]; rows: Row[] }> {
  const tenantId = tenant === null ? null : tenantOf(tenant)
  if (sql.trim() === '') throw new CommandError(EXIT.wrongUse, 'query_failed', 'The query is empty', 'Write a SELECT')
  const end = await runBatch(client, [...analystSession(tenantId), sql])
  if ('lastId' in end) return rowsOf(client, end.lastId).catch(asNoQuery)
  if (tenant !== null && /^user .* does not exist/i.test(end.error.replace(/^ERROR: /, '')))
    throw new CommandError(
      EXIT.wrongUse,
      'unknown_tenant',
      `The warehouse has no analysts of tenant "${tenant}"`,
      'List tenants with: sluice tenant list',
    )
  throw new CommandError(EXIT.wrongUse, 'query_failed', end.error)
}

/** `sluice query SQL` */
export async function query(
  { output, state, directory, environment }: Invocation,
  sql: string,
  options: { tenant?: string },
): Promise<ExitCode> {
  const { RedshiftDataClient: Client } = await import('@aws-sdk/client-redshift-data')
  const client = withExactIntegers(new Client(clientSettings(connectionOf(state, directory, environment))))
  const { names, rows } = await runQuery(client, sql.trim().replace(/;$/, ''), options.tenant ?? null)
  output.result(rows, () => `${printRows(names, rows)}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})`)
  return EXIT.done
}
