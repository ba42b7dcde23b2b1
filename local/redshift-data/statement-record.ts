import type { StatementOutcome } from '../engines/warehouse/engine.ts'

export type StatementStatus = 'SUBMITTED' | 'PICKED' | 'STARTED' | 'FINISHED' | 'FAILED' | 'ABORTED'

/** What is kept of one SQL text of a statement. Its result's pages lie beside it. */
export interface SubStatementRecord {
  readonly sql: string
  readonly status: StatementStatus
  readonly error: string | null
  readonly rows: number
  readonly resultBytes: number
  readonly hasResultSet: boolean
  readonly columns: NonNullable<StatementOutcome['result']>['columns'] | null
  readonly pages: number
  readonly durationNanos: number
  readonly queryId: number
}

/** A statement as it was accepted, and how it ended. It is on disk before its id is answered. */
export interface StatementRecord {
  readonly id: string
  /** The role or user that sent it: nobody else may ask about it. */
  readonly owner: string
  readonly dbUser: string
  readonly database: string
  readonly workgroupName: string | null
  readonly secretArn: string | null
  readonly name: string | null
  readonly batch: boolean
  readonly mode: 'transaction' | 'separate' | 'single'
  readonly resultFormat: 'JSON' | 'CSV'
  readonly parameters: readonly { readonly name: string; readonly value: string }[]
  readonly withEvent: boolean
  readonly status: StatementStatus
  readonly error: string | null
  readonly createdAtMillis: number
  readonly updatedAtMillis: number
  readonly subStatements: readonly SubStatementRecord[]
}

export const isOver = ({ status }: Pick<StatementRecord, 'status'>): boolean =>
  status === 'FINISHED' || status === 'FAILED' || status === 'ABORTED'

/** A statement that waits for its turn. */
export const submitted = (sql: string): SubStatementRecord => ({
  sql,
  status: 'SUBMITTED',
  error: null,
  rows: -1,
  resultBytes: -1,
  hasResultSet: false,
  columns: null,
  pages: 0,
  durationNanos: -1,
  queryId: -1,
})

/** The record after its statements ran; queries get ids of their own. */
export function ended(
  record: StatementRecord,
  outcomes: readonly StatementOutcome[],
  atMillis: number,
  firstQueryId: number,
): StatementRecord {
  const subStatements = record.subStatements.map((sub, index): SubStatementRecord => {
    const outcome = outcomes[index]
    if (outcome === undefined) return { ...sub, status: 'ABORTED' }
    return {
      ...sub,
      status: outcome.status,
      error: outcome.error,
      rows: outcome.status === 'FINISHED' ? outcome.rows : -1,
      resultBytes: outcome.result?.bytes ?? 0,
      hasResultSet: outcome.result !== null,
      columns: outcome.result?.columns ?? null,
      pages: outcome.result?.pages.length ?? 0,
      durationNanos: outcome.durationNanos,
      queryId: firstQueryId + index,
    }
  })
  const failed = subStatements.find(({ status }) => status === 'FAILED')
  const cancelled = failed?.error === 'ERROR: Query cancelled on user request'
  const status = failed === undefined ? 'FINISHED' : cancelled ? 'ABORTED' : 'FAILED'
  return { ...record, status, error: failed?.error ?? null, updatedAtMillis: atMillis, subStatements }
}

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + Math.max(value, 0), 0)

const describeSub = (record: StatementRecord, sub: SubStatementRecord, position: number) => ({
  Id: `${record.id}:${position}`,
  CreatedAt: new Date(record.createdAtMillis),
  UpdatedAt: new Date(record.updatedAtMillis),
  Status: sub.status,
  QueryString: sub.sql,
  Duration: sub.durationNanos,
  ResultRows: sub.rows,
  ResultSize: sub.resultBytes,
  RedshiftQueryId: sub.queryId,
  HasResultSet: sub.hasResultSet,
  ...(sub.error === null ? {} : { Error: sub.error }),
})

/** The answer of DescribeStatement. */
export function describe(record: StatementRecord) {
  const last = record.subStatements.at(-1)
  return {
    Id: record.id,
    Status: record.status,
    CreatedAt: new Date(record.createdAtMillis),
    UpdatedAt: new Date(record.updatedAtMillis),
    Database: record.database,
    DbUser: record.dbUser,
    Duration: isOver(record) ? total(record.subStatements.map(({ durationNanos }) => durationNanos)) : -1,
    HasResultSet: record.subStatements.some(({ hasResultSet }) => hasResultSet),
    RedshiftPid: isOver(record) ? process.pid : 0,
    RedshiftQueryId: record.batch ? 0 : (last?.queryId ?? -1),
    ResultFormat: record.resultFormat,
    ResultRows: record.batch ? -1 : (last?.rows ?? -1),
    ResultSize: record.batch ? -1 : (last?.resultBytes ?? -1),
    ...(record.workgroupName === null ? {} : { WorkgroupName: record.workgroupName }),
    ...(record.secretArn === null ? {} : { SecretArn: record.secretArn }),
    ...(record.error === null ? {} : { Error: record.error }),
    ...(record.parameters.length === 0 ? {} : { QueryParameters: record.parameters }),
    ...(record.batch
      ? { SubStatements: record.subStatements.map((sub, index) => describeSub(record, sub, index + 1)) }
      : { QueryString: last?.sql ?? '' }),
  }
}

/** An element of ListStatements. */
export const summarize = (record: StatementRecord) => ({
  Id: record.id,
  Status: record.status,
  CreatedAt: new Date(record.createdAtMillis),
  UpdatedAt: new Date(record.updatedAtMillis),
  IsBatchStatement: record.batch,
  ResultFormat: record.resultFormat,
  ...(record.name === null ? {} : { StatementName: record.name }),
  ...(record.secretArn === null ? {} : { SecretArn: record.secretArn }),
  ...(record.parameters.length === 0 ? {} : { QueryParameters: record.parameters }),
  ...(record.batch
    ? { QueryStrings: record.subStatements.map(({ sql }) => sql) }
    : { QueryString: record.subStatements[0]?.sql ?? '' }),
})
