import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { isJsonObject } from '../../../core/json.ts'
import { openWarehouse } from '../../../local/engines/warehouse/engine.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import {
  createRedshiftDataService,
  type RedshiftDataService,
  type StatementEvent,
} from '../../../local/redshift-data/service.ts'
import type { StatementRecord } from '../../../local/redshift-data/statement-record.ts'
import { submitted } from '../../../local/redshift-data/statement-record.ts'
import type { Caller, Store } from '../../../local/service.ts'
import { systemClock } from '../../../local/system-clock.ts'

const WORKGROUP_ARN = 'arn:aws:redshift-serverless:us-east-2:000000000000:workgroup/x'
const OPERATOR: Caller = {
  principalArn: 'arn:aws:iam::000000000000:user/operator',
  roleArn: null,
  servicePrincipal: null,
}
const ROLE: Caller = {
  principalArn: 'arn:aws:sts::000000000000:assumed-role/loader/a',
  roleArn: 'arn:aws:iam::000000000000:role/loader',
  servicePrincipal: null,
}
const TARGET = { WorkgroupName: 'sluice', Database: 'sluice', WaitTimeSeconds: 30 }

const folder = mkdtempSync(join(tmpdir(), 'sluice-redshift-data-'))
const events: StatementEvent[] = []
let store: Store
let service: RedshiftDataService

const start = (): RedshiftDataService => {
  const started = createRedshiftDataService({
    secretPermissions: async (resource) => [{ action: 'secretsmanager:GetSecretValue', resource }],
    store,
    statePath: folder,
    clock: systemClock,
    ids: randomUUID,
    region: 'us-east-2',
    accountId: '000000000000',
    threads: 1,
    memoryLimitBytes: 200_000_000,
    objectsAs: () => {
      throw new Error('no objects here')
    },
    emit: async (event) => void events.push(event),
    log: () => undefined,
  })
  started.deploy({
    namespaceName: 'sluice',
    workgroupName: 'sluice',
    workgroupArn: WORKGROUP_ARN,
    databaseName: 'sluice',
    roleArns: [],
  })
  return started
}

const call = async (operation: string, input: object, caller = OPERATOR): Promise<Record<string, unknown>> => {
  const answer = await service.operations[operation]?.run(input, {
    caller,
    requestId: 'r',
    signal: new AbortController().signal,
  })
  return isJsonObject(answer) ? answer : {}
}
const run = async (Sql: string, more: object = {}): Promise<string> =>
  String((await call('ExecuteStatement', { ...TARGET, Sql, ...more })).Id)
const records = async (Id: string): Promise<unknown> => (await call('GetStatementResult', { Id })).Records
const refusal = (code: string, message: string | RegExp): object =>
  expect.objectContaining({ code, message: expect.stringMatching(message) })

beforeAll(async () => {
  store = memoryStore()
  service = start()
  await run('CREATE SCHEMA s')
  await run('CREATE TABLE s.t (a INTEGER)')
}, 120_000)
afterAll(async () => {
  await service.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('statements', () => {
  test('answer with typed fields, and with CSV by the second version', async () => {
    const Id = await run(
      "SELECT 1 AS a, 2.50 AS b, 'it''s' AS c, CAST(0.5 AS DOUBLE PRECISION) AS d, NULL AS e, CAST('2026-01-31 12:00:00.5' AS TIMESTAMP) AS f, 1 = 1 AS g, DATE '2026-01-31' AS h",
    )
    expect(await records(Id)).toEqual([
      [
        { longValue: 1 },
        { stringValue: '2.50' },
        { stringValue: "it's" },
        { doubleValue: 0.5 },
        { isNull: true },
        { stringValue: '2026-01-31 12:00:00.5' },
        { booleanValue: true },
        { stringValue: '2026-01-31' },
      ],
    ])
    const csv = await call('GetStatementResultV2', { Id })
    expect(csv.Records).toEqual([
      { CSVRecords: "a,b,c,d,e,f,g,h\r\n1,2.50,it's,0.5,,2026-01-31 12:00:00.5,true,2026-01-31\r\n" },
    ])
  })

  test('a failing statement is no exception: its description has the error', async () => {
    const described = await call('DescribeStatement', { Id: await run('SELECT * FROM s.nothing') })
    expect(described).toMatchObject({
      Status: 'FAILED',
      Error: 'ERROR: relation "s.nothing" does not exist',
      HasResultSet: false,
    })
  })

  test('a batch is one transaction, described statement by statement', async () => {
    const { Id } = await call('BatchExecuteStatement', {
      ...TARGET,
      Sqls: ['INSERT INTO s.t VALUES (1)', 'SELECT count(*) FROM s.t', 'SELECT nothing', 'SELECT 1'],
    })
    const described = await call('DescribeStatement', { Id })
    expect(described).toMatchObject({
      Status: 'FAILED',
      SubStatements: [
        { Id: `${Id}:1`, Status: 'FINISHED' },
        { Id: `${Id}:2`, Status: 'FINISHED', HasResultSet: true, ResultRows: 1 },
        { Id: `${Id}:3`, Status: 'FAILED' },
        { Id: `${Id}:4`, Status: 'ABORTED' },
      ],
    })
    expect(await records(`${Id}:2`)).toEqual([[{ longValue: 1 }]])
    expect(await records(await run('SELECT count(*) FROM s.t'))).toEqual([[{ longValue: 0 }]])
    await expect(records(String(Id))).rejects.toEqual(refusal('ResourceNotFoundException', 'does not have result'))
  })

  test('with AUTO_COMMIT each statement stays', async () => {
    await call('BatchExecuteStatement', {
      ...TARGET,
      ExecutionMode: 'AUTO_COMMIT',
      Sqls: ['INSERT INTO s.t VALUES (7)', 'SELECT nothing'],
    })
    expect(await records(await run('SELECT a FROM s.t'))).toEqual([[{ longValue: 7 }]])
    await run('DELETE FROM s.t')
  })

  test('parameters are values and nothing else', async () => {
    const Id = await run("SELECT :x AS a, CAST(:n AS INTEGER) AS b, ':x' AS c", {
      Parameters: [
        { name: 'x', value: "'; DROP TABLE s.t" },
        { name: 'n', value: '3' },
      ],
    })
    expect(await records(Id)).toEqual([[{ stringValue: "'; DROP TABLE s.t" }, { longValue: 3 }, { stringValue: ':x' }]])
    await expect(run('SELECT 1', { Parameters: [{ name: 'x', value: '1' }] })).rejects.toEqual(
      refusal('ValidationException', 'Unused parameters: \\[x\\]'),
    )
    await expect(run('SELECT :x', { Parameters: [{ name: 'x', value: '' }] })).rejects.toEqual(
      refusal('ValidationException', 'empty string'),
    )
  })

  test('pages long results', async () => {
    await run('CREATE TABLE s.digits (d INTEGER)')
    await run('INSERT INTO s.digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)')
    const Id = await run(
      'SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM s.digits a, s.digits b, s.digits c, s.digits e WHERE e.d < 3',
    )
    const first = await call('GetStatementResult', { Id })
    expect(first.TotalNumRows).toBe(3000)
    const numbers: unknown[] = [first.Records]
    for (let NextToken = first.NextToken; NextToken !== undefined; ) {
      const page = await call('GetStatementResult', { Id, NextToken })
      numbers.push(page.Records)
      NextToken = page.NextToken
    }
    expect(new Set(numbers.flat().map((row) => JSON.stringify(row))).size).toBe(3000)
  })

  test('tell of their end where asked to', async () => {
    const Id = await run('SELECT 1', { WithEvent: true, StatementName: 'told' })
    expect(events.find(({ detail }) => detail.statementId === Id)).toMatchObject({
      resources: [WORKGROUP_ARN],
      detail: { state: 'FINISHED', statementName: 'told', rows: 1 },
    })
  })

  test('belong to the role that sent them', async () => {
    const Id = await run('SELECT 1')
    await expect(call('DescribeStatement', { Id }, ROLE)).rejects.toEqual(
      refusal('ResourceNotFoundException', 'does not exist'),
    )
    const sent = await call('ExecuteStatement', { ...TARGET, Sql: 'SELECT current_user' }, ROLE)
    expect(sent.DbUser).toBe('IAMR:loader')
    const asAdministrator = await call(
      'ExecuteStatement',
      { ...TARGET, Sql: 'SELECT 1', SecretArn: 'arn:secret' },
      ROLE,
    )
    expect(asAdministrator.DbUser).toBe('admin')
  })
})

describe('limits', () => {
  const REFUSED = [
    ['BatchExecuteStatement', { Sqls: Array.from({ length: 41 }, () => 'SELECT 1') }, 'less than or equal to 40'],
    ['BatchExecuteStatement', { Sqls: [] }, 'greater than or equal to 1'],
    ['ExecuteStatement', { Sql: `SELECT '${'x'.repeat(100_000)}'` }, 'larger than 100kB'],
    ['ExecuteStatement', { Sql: 'SELECT 1', Database: 'other' }, 'database "other" does not exist'],
    ['ExecuteStatement', { Sql: 'SELECT 1', WorkgroupName: 'other' }, "endpoint doesn't exist"],
    ['ExecuteStatement', { Sql: 'SELECT 1', WaitTimeSeconds: 31 }, 'between 0 and 30'],
    ['ExecuteStatement', { Sql: 'SELECT 1', ClientToken: 'x'.repeat(65) }, '1 to 64 characters'],
  ] as const
  for (const [operation, input, message] of REFUSED)
    test(`${operation} refuses what is ${message}`, async () =>
      expect(call(operation, { ...TARGET, ...input })).rejects.toEqual(refusal('ValidationException', message)))

  test('sessions are refused by name', async () =>
    expect(call('ExecuteStatement', { ...TARGET, Sql: 'SELECT 1', SessionKeepAliveSeconds: 10 })).rejects.toEqual(
      refusal('NotImplemented', 'sessions'),
    ))

  test('sending needs the action on the workgroup and credentials, temporary ones or a secret', async () => {
    expect(await service.operations.ExecuteStatement?.permissions({ ...TARGET })).toEqual([
      { action: 'redshift-data:ExecuteStatement', resource: WORKGROUP_ARN },
      { action: 'redshift-serverless:GetCredentials', resource: WORKGROUP_ARN },
    ])
    expect(await service.operations.BatchExecuteStatement?.permissions({ ...TARGET, SecretArn: 'arn:s' })).toEqual([
      { action: 'redshift-data:BatchExecuteStatement', resource: WORKGROUP_ARN },
      { action: 'secretsmanager:GetSecretValue', resource: 'arn:s' },
    ])
  })
})

describe('once', () => {
  test('IDEM-05: a client token sent again names the first statement, also after a restart', async () => {
    const first = await run('INSERT INTO s.t VALUES (1)', { ClientToken: 'token' })
    expect(await run('INSERT INTO s.t VALUES (1)', { ClientToken: 'token' })).toBe(first)
    await service.close()
    service = start()
    await service.resume()
    expect(await run('INSERT INTO s.t VALUES (1)', { ClientToken: 'token' })).toBe(first)
    expect(await records(await run('SELECT count(*) FROM s.t'))).toEqual([[{ longValue: 1 }]])
    await run('DELETE FROM s.t')
  })

  const unfinished = (id: string, sqls: readonly string[], mode: StatementRecord['mode']): StatementRecord => ({
    id,
    owner: OPERATOR.principalArn,
    dbUser: 'admin',
    database: 'sluice',
    workgroupName: 'sluice',
    secretArn: null,
    name: null,
    batch: true,
    mode,
    resultFormat: 'JSON',
    parameters: [],
    withEvent: false,
    status: 'SUBMITTED',
    error: null,
    createdAtMillis: Date.now(),
    updatedAtMillis: Date.now(),
    subStatements: sqls.map(submitted),
  })

  /** What is on disk when a process ends after the warehouse's commit and before the statement's record says so. */
  const endedAfterCommit = async (record: StatementRecord, committed: number): Promise<void> => {
    await service.close()
    await store.collection<StatementRecord>('redshift-data.statements').put([record.id], record)
    const engine = await openWarehouse({
      path: join(folder, 'warehouse.duckdb'),
      temporaryDirectory: join(folder, 'tmp'),
      segments: { directory: join(folder, 'warehouse.segments'), minRows: 100_000 },
      threads: 1,
      memoryLimitBytes: 200_000_000,
      searchPath: ['public'],
      attachedRoles: () => [],
      objectsAs: () => {
        throw new Error('no objects here')
      },
    })
    const sqls = record.subStatements.slice(0, committed).map(({ sql }) => sql)
    if (sqls.length > 0) await engine.execute({ id: record.id, sqls, user: 'admin', mode: record.mode })
    engine.close()
    service = start()
    await service.resume()
    await call('DescribeStatement', { Id: record.id, WaitTimeSeconds: 30 })
  }

  const CASES = [
    { why: 'committed before a restart is not run again', mode: 'transaction', committed: 2 },
    { why: 'not committed before a restart is run', mode: 'transaction', committed: 0 },
    { why: 'committed in part goes on behind that part', mode: 'separate', committed: 1 },
  ] as const
  for (const { why, mode, committed } of CASES)
    test(`WH-07, IDEM-08: a batch ${why}, and ends with its result`, async () => {
      const id = randomUUID()
      await endedAfterCommit(
        unfinished(id, ['INSERT INTO s.t VALUES (1)', 'SELECT count(*) FROM s.t'], mode),
        committed,
      )
      expect(await call('DescribeStatement', { Id: id })).toMatchObject({ Status: 'FINISHED' })
      expect(await records(`${id}:2`)).toEqual([[{ longValue: 1 }]])
      expect(await records(await run('SELECT count(*) FROM s.t'))).toEqual([[{ longValue: 1 }]])
      await run('DELETE FROM s.t')
    })
})

describe('catalog', () => {
  test('lists databases, schemas and tables, and describes a table', async () => {
    expect(await call('ListDatabases', TARGET)).toEqual({ Databases: ['sluice'] })
    expect((await call('ListSchemas', TARGET)).Schemas).toContain('s')
    expect(await call('ListTables', { ...TARGET, TablePattern: 't%' })).toEqual({
      Tables: [{ schema: 's', name: 't', type: 'TABLE' }],
    })
    expect((await call('DescribeTable', { ...TARGET, Schema: 's', Table: 't' })).ColumnList).toMatchObject([
      { name: 'a', typeName: 'int4' },
    ])
  })
  test('lists the caller’s statements, newest first', async () => {
    await run('SELECT 1', { StatementName: 'older' })
    await run('SELECT 2', { StatementName: 'old and newer' })
    const { Statements } = await call('ListStatements', { StatementName: 'old', MaxResults: 1 })
    expect(Statements).toMatchObject([{ StatementName: 'old and newer', QueryString: 'SELECT 2' }])
  })
})
