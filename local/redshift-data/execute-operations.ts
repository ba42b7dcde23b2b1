import { type Input, readInput } from '../input.ts'
import { AwsError, type CallContext, type Operation } from '../service.ts'
import {
  askPermissions,
  databaseUserOf,
  idOf,
  ownerOf,
  type RedshiftDataContext,
  requireStatement,
  sendPermissions,
  waitFor,
  workgroupOf,
} from './context.ts'
import { bindAll, type SqlParameter } from './parameters.ts'
import { describe, type StatementRecord, submitted } from './statement-record.ts'

const MAX_STATEMENTS = 40
const MAX_SQL_BYTES = 100_000
const MAX_ACTIVE_STATEMENTS = 500
const MAX_NAME_CHARACTERS = 2_048

const invalid = (message: string): AwsError => new AwsError('ValidationException', message)

function readSql(sql: unknown): string {
  if (typeof sql !== 'string' || sql.trim() === '') throw invalid('Sql must not be empty')
  if (Buffer.byteLength(sql) > MAX_SQL_BYTES) throw invalid('Cannot process query string larger than 100kB')
  return sql
}

const readParameters = (input: Input): readonly SqlParameter[] =>
  input.structures('Parameters').map((parameter) => ({ name: parameter.text('name'), value: parameter.text('value') }))

function readToken(input: Input): string | null {
  const token = input.textOr('ClientToken', null)
  if (token !== null && (token.length < 1 || token.length > 64))
    throw invalid('ClientToken must have 1 to 64 characters')
  return token
}

function readMode(input: Input): 'transaction' | 'separate' {
  const mode = input.textOr('ExecutionMode', 'TRANSACTION')
  if (mode === 'TRANSACTION') return 'transaction'
  if (mode === 'AUTO_COMMIT') return 'separate'
  throw invalid(`ExecutionMode must be TRANSACTION or AUTO_COMMIT, not ${mode}`)
}

function readFormat(input: Input): 'JSON' | 'CSV' {
  const format = input.textOr('ResultFormat', 'JSON')
  if (format !== 'JSON' && format !== 'CSV') throw invalid(`ResultFormat must be JSON or CSV, not ${format}`)
  return format
}

function readName(input: Input): string | null {
  const name = input.textOr('StatementName', null)
  if (name !== null && name.length > MAX_NAME_CHARACTERS)
    throw invalid('StatementName must have at most 2048 characters')
  return name
}

interface Sent {
  readonly sqls: readonly string[]
  readonly batch: boolean
  readonly mode: StatementRecord['mode']
}

function recordOf(context: RedshiftDataContext, input: Input, call: CallContext, sent: Sent): StatementRecord {
  const model = workgroupOf(context, input)
  const secretArn = input.textOr('SecretArn', null)
  const parameters = readParameters(input)
  const atMillis = context.clock.now().getTime()
  return {
    id: context.ids(),
    owner: ownerOf(call.caller),
    dbUser: databaseUserOf(call.caller, secretArn),
    database: model.databaseName,
    workgroupName: model.workgroupName,
    secretArn,
    name: readName(input),
    batch: sent.batch,
    mode: sent.mode,
    resultFormat: readFormat(input),
    parameters,
    withEvent: input.booleanOr('WithEvent', false),
    status: 'SUBMITTED',
    error: null,
    createdAtMillis: atMillis,
    updatedAtMillis: atMillis,
    subStatements: bindAll(sent.sqls, parameters).map(submitted),
  }
}

async function send(
  context: RedshiftDataContext,
  input: Input,
  call: CallContext,
  sent: Sent,
): Promise<Record<string, unknown>> {
  if (context.runner.active() >= MAX_ACTIVE_STATEMENTS)
    throw new AwsError('ActiveStatementsExceededException', 'Active statements exceeded the allowed quota (500).')
  const accepted = await context.runner.submit(recordOf(context, input, call, sent), readToken(input))
  await waitFor(context, accepted.id, input, call.signal)
  const { Id, CreatedAt, Database, DbUser, WorkgroupName, SecretArn, Status, HasResultSet } = describe(
    context.runner.find(accepted.id) ?? accepted,
  )
  return { Id, CreatedAt, Database, DbUser, Status, HasResultSet, WorkgroupName, SecretArn }
}

/** ExecuteStatement, BatchExecuteStatement, DescribeStatement, CancelStatement. */
export function executeOperations(context: RedshiftDataContext): Readonly<Record<string, Operation>> {
  return {
    ExecuteStatement: {
      permissions: (input) => sendPermissions(context, 'ExecuteStatement', readInput(input)),
      run: async (request, call) => {
        const input = readInput(request)
        return send(context, input, call, { sqls: [readSql(input.text('Sql'))], batch: false, mode: 'single' })
      },
    },
    BatchExecuteStatement: {
      permissions: (input) => sendPermissions(context, 'BatchExecuteStatement', readInput(input)),
      run: async (request, call) => {
        const input = readInput(request)
        const sqls = input.list('Sqls').map(readSql)
        if (sqls.length < 1 || sqls.length > MAX_STATEMENTS)
          throw invalid(
            `Member must have length greater than or equal to 1 and less than or equal to ${MAX_STATEMENTS}: Sqls has ${sqls.length}`,
          )
        return send(context, input, call, { sqls, batch: true, mode: readMode(input) })
      },
    },
    DescribeStatement: {
      permissions: (input) => askPermissions(context, 'DescribeStatement', readInput(input).text('Id')),
      run: async (request, { caller, signal }) => {
        const input = readInput(request)
        const { id } = requireStatement(context, caller, input.text('Id'))
        await waitFor(context, id, input, signal)
        return describeOne(requireStatement(context, caller, input.text('Id')), input.text('Id'))
      },
    },
    CancelStatement: {
      permissions: (input) => askPermissions(context, 'CancelStatement', readInput(input).text('Id')),
      run: async (request, { caller }) => {
        const record = requireStatement(context, caller, readInput(request).text('Id'))
        if (!['SUBMITTED', 'PICKED', 'STARTED'].includes(record.status))
          throw invalid(`Could not cancel a query that is already in ${record.status} state`)
        return { Status: await context.runner.cancel(record.id) }
      },
    },
  }
}

/** A sub-statement is described by its own id, too. */
function describeOne(record: StatementRecord, text: string): Record<string, unknown> {
  const { position } = idOf(text)
  const whole = describe(record)
  if (position === null) return whole
  const sub = 'SubStatements' in whole ? whole.SubStatements[position - 1] : undefined
  const { Database, DbUser, WorkgroupName, SecretArn, ResultFormat } = whole
  return { ...sub, Database, DbUser, WorkgroupName, SecretArn, ResultFormat }
}
