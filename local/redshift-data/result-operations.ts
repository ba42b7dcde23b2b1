import { stringify } from 'csv-stringify/sync'
import type { Field } from '../engines/warehouse/result.ts'
import { type Input, readInput } from '../input.ts'
import { AwsError, type CallContext, type Operation } from '../service.ts'
import { askPermissions, idOf, ownerOf, type RedshiftDataContext, requireStatement, waitFor } from './context.ts'
import { type StatementRecord, type SubStatementRecord, summarize } from './statement-record.ts'
import type { Page } from './statement-runner.ts'

interface ResultPage {
  readonly sub: SubStatementRecord
  readonly record: StatementRecord
  readonly page: Page
  readonly nextToken: string | undefined
}

const noResult = (id: string, message: string): AwsError =>
  new AwsError('ResourceNotFoundException', message, 400, { ResourceId: id })

/** The index of the statement whose result is asked for; a batch is asked by sub-statement. */
function positionOf(record: StatementRecord, text: string): number {
  const { position } = idOf(text)
  if (position !== null) return position - 1
  if (record.batch)
    throw noResult(text, 'Query does not have result. Please check query status with DescribeStatement.')
  return 0
}

async function readPage(context: RedshiftDataContext, input: Input, call: CallContext): Promise<ResultPage> {
  const id = input.text('Id')
  await waitFor(context, requireStatement(context, call.caller, id).id, input, call.signal)
  const record = requireStatement(context, call.caller, id)
  const position = positionOf(record, id)
  const sub = record.subStatements[position]
  if (sub === undefined || !sub.hasResultSet)
    throw noResult(id, 'Query does not have result. Please check query status with DescribeStatement.')
  const number = pageNumber(input.textOr('NextToken', null))
  const page = context.runner.page(record.id, position, number)
  if (page === null) throw new AwsError('ValidationException', 'NextToken is not valid')
  return { sub, record, page, nextToken: number + 1 < sub.pages ? tokenOf(number + 1) : undefined }
}

const tokenOf = (page: number): string => Buffer.from(`page:${page}`).toString('base64')

function pageNumber(token: string | null): number {
  if (token === null) return 0
  const page = /^page:(\d+)$/.exec(Buffer.from(token, 'base64').toString())?.[1]
  if (page === undefined) throw new AwsError('ValidationException', 'NextToken is not valid')
  return Number(page)
}

const cellOf = (field: Field): string | number | bigint | boolean | null => {
  if ('isNull' in field) return null
  if ('stringValue' in field) return field.stringValue
  if ('longValue' in field) return field.longValue
  return 'doubleValue' in field ? field.doubleValue : field.booleanValue
}

const printCsv = (page: Page, names: readonly string[] | null): string =>
  stringify([...(names === null ? [] : [names]), ...page.map((row) => row.map(cellOf))], {
    cast: { boolean: (value) => String(value) },
    record_delimiter: 'windows',
  })

const LIST_LIMIT = 100

function listStatements(context: RedshiftDataContext, input: Input, call: CallContext): Record<string, unknown> {
  const limit = Math.min(Math.max(input.numberOr('MaxResults', LIST_LIMIT), 1), LIST_LIMIT)
  const status = input.textOr('Status', 'ALL')
  const prefix = input.textOr('StatementName', null)
  const start = pageNumber(input.textOr('NextToken', null))
  const matching: StatementRecord[] = []
  for (const record of context.runner.list()) {
    const isMine = record.owner === ownerOf(call.caller)
    const isNamed = prefix === null || (record.name ?? '').startsWith(prefix)
    if (isMine && isNamed && (status === 'ALL' || record.status === status)) matching.push(record)
    if (matching.length > start + limit) break
  }
  return {
    Statements: matching.slice(start, start + limit).map(summarize),
    ...(matching.length > start + limit ? { NextToken: tokenOf(start + limit) } : {}),
  }
}

/** GetStatementResult, GetStatementResultV2, ListStatements. */
export function resultOperations(context: RedshiftDataContext): Readonly<Record<string, Operation>> {
  return {
    GetStatementResult: {
      permissions: (input) => askPermissions(context, 'GetStatementResult', readInput(input).text('Id')),
      run: async (request, call) => {
        const { sub, record, page, nextToken } = await readPage(context, readInput(request), call)
        if (record.resultFormat === 'CSV')
          throw new AwsError('ValidationException', 'The result is CSV: use GetStatementResultV2')
        return {
          Records: page,
          ColumnMetadata: sub.columns ?? [],
          TotalNumRows: sub.rows,
          ...(nextToken === undefined ? {} : { NextToken: nextToken }),
        }
      },
    },
    GetStatementResultV2: {
      permissions: (input) => askPermissions(context, 'GetStatementResult', readInput(input).text('Id')),
      run: async (request, call) => {
        const input = readInput(request)
        const { sub, page, nextToken } = await readPage(context, input, call)
        const names = input.has('NextToken') ? null : (sub.columns ?? []).map(({ label }) => label)
        return {
          Records: [{ CSVRecords: printCsv(page, names) }],
          ColumnMetadata: sub.columns ?? [],
          TotalNumRows: sub.rows,
          ResultFormat: 'CSV',
          ...(nextToken === undefined ? {} : { NextToken: nextToken }),
        }
      },
    },
    ListStatements: {
      permissions: () => [{ action: 'redshift-data:ListStatements', resource: '*' }],
      run: async (request, call) => listStatements(context, readInput(request), call),
    },
  }
}
