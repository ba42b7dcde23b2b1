import { parseTenantId, type TenantId } from '../../core/identifiers.ts'
import { isJsonObject } from '../../core/json.ts'
import { analystStatements } from '../../warehouse/deploy.ts'
import { clientSettings, invokeMetadata, lambdaClient } from '../deployment.ts'
import { expected, isText, objectWith } from '../guards.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { type Connection, connectionOf } from '../session.ts'
import { columns } from '../table.ts'
import { administer } from '../warehouse-client.ts'

const OPERATIONS: Readonly<Record<string, string>> = {
  create: 'createTenant',
  suspend: 'suspendTenant',
  resume: 'resumeTenant',
}

const tenantIdOf = (text: string): TenantId => {
  try {
    return parseTenantId(text)
  } catch (thrown) {
    throw new CommandError(EXIT.wrongUse, 'invalid_tenant', thrown instanceof Error ? thrown.message : String(thrown))
  }
}

interface TenantView {
  readonly tenantId: string
  readonly status: string
}

const isTenant = objectWith<TenantView>({ tenantId: isText, status: isText })
const parseTenant = (value: unknown): TenantView => expected(value, isTenant, 'tenant')

async function listTenants({ output, state, directory, environment }: Invocation): Promise<ExitCode> {
  const lambda = await lambdaClient(connectionOf(state, directory, environment))
  const answer = await invokeMetadata(lambda, { operation: 'listTenants' })
  const tenants = (isJsonObject(answer) && Array.isArray(answer.tenants) ? answer.tenants : []).map(parseTenant)
  output.result(tenants, () =>
    columns([['TENANT', 'STATUS'], ...tenants.map(({ tenantId, status }) => [tenantId, status])], ['left', 'left']),
  )
  return EXIT.done
}

/** What the tenant's analysts need in the warehouse; sent again, it changes nothing. */
async function createAnalysts(connection: Connection, tenantId: TenantId): Promise<void> {
  const { RedshiftDataClient } = await import('@aws-sdk/client-redshift-data')
  const client = new RedshiftDataClient(clientSettings(connection))
  for (const { sqls, tolerate } of analystStatements(tenantId)) {
    const error = await administer(client, sqls)
    if (error === null || (tolerate !== null && error.toLowerCase().includes(tolerate))) continue
    throw new CommandError(EXIT.impossible, 'warehouse_refused', error)
  }
}

/** `sluice tenant create|list|suspend|resume` */
export const tenantCommand =
  (verb: string) =>
  async (invocation: Invocation, id: string): Promise<ExitCode> => {
    const operation = OPERATIONS[verb]
    if (operation === undefined) return listTenants(invocation)
    const tenantId = tenantIdOf(id)
    const connection = connectionOf(invocation.state, invocation.directory, invocation.environment)
    const answer = await invokeMetadata(await lambdaClient(connection), { operation, tenantId })
    const tenant = parseTenant(isJsonObject(answer) && isJsonObject(answer.tenant) ? answer.tenant : answer)
    if (verb === 'create') await createAnalysts(connection, tenantId)
    invocation.output.result(tenant, () => `${tenant.tenantId}  ${tenant.status}`)
    return EXIT.done
  }
