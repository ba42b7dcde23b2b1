/** Glue and the Redshift Data API. */
import type { Members } from '../client.ts'
import type { Expected, Stage } from '../stage.ts'

const TOKENS = { output: 'NextToken', input: 'NextToken' }

export async function playGlue(stage: Stage): Promise<void> {
  const glue = (operation: string, input: Members, expected?: Expected) => stage.ok('glue', operation, input, expected)
  const missing = { code: 'EntityNotFoundException', status: 400 }
  await stage.part('glue', 'jobs', async () => {
    const JobName = 'transform-small'
    await glue('ListJobs', {}, { JobNames: [/./, /./, /./] })
    await glue('GetJobs', {}, { Jobs: [{}, {}, {}] })
    for (const [operation, list] of [
      ['GetJobs', 'Jobs'],
      ['ListJobs', 'JobNames'],
    ] as const) {
      const paged = await stage.pages('glue', operation, { MaxResults: 2 }, list, TOKENS)
      await stage.check('glue', `${operation}: pages`, () => {
        if (paged.pages !== 2 || paged.items.length !== 3)
          throw new Error(`${paged.items.length} on ${paged.pages} pages`)
      })
    }
    await glue('GetJob', { JobName }, { Job: { Name: JobName, Command: { Name: 'pythonshell' } } })
    await stage.fails('glue', 'GetJob', { JobName: 'none' }, missing)
    await glue('BatchGetJobs', { JobNames: [JobName, 'none'] }, { Jobs: [{ Name: JobName }], JobsNotFound: ['none'] })
    const { JobRunId = '' } = await glue(
      'StartJobRun',
      { JobName, Arguments: { '--plan_uri': 's3://none/none' } },
      { JobRunId: /^jr_/ },
    )
    const failed = await runEnded(stage, JobName, String(JobRunId))
    await stage.check('glue', 'StartJobRun: fails', () => {
      if (failed.JobRunState !== 'FAILED' || !failed.ErrorMessage) throw new Error(JSON.stringify(failed))
    })
    await glue('GetJobRuns', { JobName }, { JobRuns: (runs) => JSON.stringify(runs).includes(String(JobRunId)) })
    await stage.pages('glue', 'GetJobRuns', { JobName, MaxResults: 1 }, 'JobRuns', TOKENS)
    await stage.fails('glue', 'GetJobRun', { JobName, RunId: 'jr_none' }, missing)
    await glue('BatchStopJobRun', { JobName, JobRunIds: [JobRunId] }, { Errors: [{ JobRunId: String(JobRunId) }] })
  })
  await stage.part('glue', 'catalog', () => catalog(stage, glue))
  await stage.part('glue', 'quality', async () => {
    const { Rulesets } = await glue('ListDataQualityRulesets', {}, { Rulesets: [{}, {}, {}] })
    const Name = String((Rulesets as readonly Members[])[0]?.Name)
    await stage.pages('glue', 'ListDataQualityRulesets', { MaxResults: 1 }, 'Rulesets', TOKENS)
    await glue('GetDataQualityRuleset', { Name }, { Name, Ruleset: /Rules\s*=/ })
    await stage.fails('glue', 'GetDataQualityRuleset', { Name: 'none' }, missing)
    await glue('ListDataQualityResults', {}, { Results: (results) => Array.isArray(results) })
    await stage.fails('glue', 'GetDataQualityResult', { ResultId: 'dqresult-none' }, missing)
    await glue(
      'BatchGetDataQualityResult',
      { ResultIds: ['dqresult-none'] },
      { Results: [], ResultsNotFound: ['dqresult-none'] },
    )
  })
}

async function runEnded(stage: Stage, JobName: string, RunId: string): Promise<Members> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { JobRun } = await stage.ok('glue', 'GetJobRun', { JobName, RunId }, { JobRun: { Id: RunId, JobName } })
    const run = JobRun as Members
    if (!['STARTING', 'RUNNING', 'WAITING', 'STOPPING'].includes(String(run.JobRunState))) return run
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return {}
}

async function catalog(
  stage: Stage,
  glue: (operation: string, input: Members, expected?: Expected) => Promise<Members>,
): Promise<void> {
  const missing = { code: 'EntityNotFoundException', status: 400 }
  const { DatabaseList } = await glue('GetDatabases', {}, { DatabaseList: [{ Name: /./ }] })
  const DatabaseName = String((DatabaseList as readonly Members[])[0]?.Name)
  await glue('GetDatabase', { Name: DatabaseName }, { Database: { Name: DatabaseName } })
  await stage.fails('glue', 'GetDatabase', { Name: 'none' }, missing)
  const { TableList } = await glue('GetTables', { DatabaseName }, { TableList: [{}, {}, {}] })
  const paged = await stage.pages('glue', 'GetTables', { DatabaseName, MaxResults: 2 }, 'TableList', TOKENS)
  await stage.check('glue', 'GetTables: pages', () => {
    if (paged.pages !== 2 || paged.items.length !== 3) throw new Error(`${paged.items.length} on ${paged.pages} pages`)
  })
  const table = (TableList as readonly Members[])[0] as Members
  const TableName = String(table.Name)
  await glue('GetTables', { DatabaseName, Expression: `${TableName}.*` }, { TableList: [{ Name: TableName }] })
  const place = { DatabaseName, TableName }
  await glue(
    'GetTable',
    { DatabaseName, Name: TableName },
    { Table: { Name: TableName, DatabaseName, PartitionKeys: [{}, {}, {}] } },
  )
  await stage.fails('glue', 'GetTable', { DatabaseName, Name: 'none' }, missing)
  const { StorageDescriptor = {} } = table
  const day = `2026-01-${10 + ['aws-cli', 'boto3', 'sdk-js'].indexOf(stage.client.name)}`
  const values = (run: string) => [stage.name('t'), day, run]
  await glue('CreatePartition', { ...place, PartitionInput: { Values: values('1'), StorageDescriptor } })
  const again = { ...place, PartitionInput: { Values: values('1'), StorageDescriptor } }
  await stage.fails('glue', 'CreatePartition', again, { code: 'AlreadyExistsException', status: 400 })
  const PartitionInputList = ['1', '2', '3'].map((run) => ({ Values: values(run), StorageDescriptor }))
  await glue(
    'BatchCreatePartition',
    { ...place, PartitionInputList },
    {
      Errors: [{ ErrorDetail: { ErrorCode: 'AlreadyExistsException' }, PartitionValues: values('1') }],
    },
  )
  await glue('GetPartition', { ...place, PartitionValues: values('2') }, { Partition: { Values: values('2') } })
  await stage.fails('glue', 'GetPartition', { ...place, PartitionValues: values('9') }, missing)
  const [key] = table.PartitionKeys as readonly Members[]
  const Expression = `${String(key?.Name)} = '${stage.name('t')}'`
  await glue('GetPartitions', { ...place, Expression }, { Partitions: [{}, {}, {}] })
  const partitions = await stage.pages(
    'glue',
    'GetPartitions',
    { ...place, Expression, MaxResults: 2 },
    'Partitions',
    TOKENS,
  )
  await stage.check('glue', 'GetPartitions: pages', () => {
    if (partitions.pages !== 2 || partitions.items.length !== 3)
      throw new Error(`${partitions.items.length} on ${partitions.pages} pages`)
  })
  await glue(
    'BatchGetPartition',
    { ...place, PartitionsToGet: [{ Values: values('1') }, { Values: values('9') }] },
    {
      Partitions: [{ Values: values('1') }],
      UnprocessedKeys: [{ Values: values('9') }],
    },
  )
  await glue('GetTableVersions', place, { TableVersions: (versions) => Array.isArray(versions) && versions.length > 0 })
  const { Name, StorageDescriptor: storage, PartitionKeys, TableType, Parameters } = table
  const TableInput = { Name, StorageDescriptor: storage, PartitionKeys, TableType, Parameters } as Members
  await glue('UpdateTable', { DatabaseName, TableInput })
}

export async function playRedshift(stage: Stage): Promise<void> {
  const data = (operation: string, input: Members, expected?: Expected) =>
    stage.ok('redshift-data', operation, input, expected)
  const place = { WorkgroupName: 'sluice', Database: 'sluice' }
  const table = `clients_${stage.name('t').replaceAll('-', '_')}`
  const sent = async (
    operation: string,
    input: Members,
    expected: Expected = { Status: 'FINISHED' },
  ): Promise<string> => {
    const { Id = '' } = await data(
      operation,
      { ...place, ...input },
      { Id: /-/, WorkgroupName: 'sluice', Database: 'sluice' },
    )
    await data('DescribeStatement', { Id, WaitTimeSeconds: 20 }, expected)
    return String(Id)
  }
  await stage.part('redshift-data', 'statements', async () => {
    const Sqls = [
      `create table public.${table} (id integer not null, name varchar(20), price decimal(10,2))`,
      `insert into public.${table} values (1, 'é', 1.50), (2, null, 2.25)`,
    ]
    const batch = await sent(
      'BatchExecuteStatement',
      { Sqls, StatementName: table },
      { Status: 'FINISHED', SubStatements: [{ Status: 'FINISHED' }, { Status: 'FINISHED' }] },
    )
    const named = {
      Sql: `select id, name, price from public.${table} where id >= :least order by id`,
      Parameters: [{ name: 'least', value: '1' }],
    }
    const Id = await sent('ExecuteStatement', named, { Status: 'FINISHED', HasResultSet: true, ResultRows: 2 })
    await data(
      'GetStatementResult',
      { Id },
      {
        TotalNumRows: 2,
        ColumnMetadata: [{ name: 'id' }, { name: 'name' }, { name: 'price' }],
        Records: [
          [{ longValue: 1 }, { stringValue: 'é' }, { stringValue: '1.50' }],
          [{ longValue: 2 }, { isNull: true }, { stringValue: '2.25' }],
        ],
      },
    )
    const csv = await sent('ExecuteStatement', {
      Sql: `select id from public.${table} order by id`,
      ResultFormat: 'CSV',
    })
    await data('GetStatementResultV2', { Id: csv }, { Records: [{ CSVRecords: /id\r\n1\r\n2/ }], ResultFormat: 'CSV' })
    await sent('ExecuteStatement', { Sql: 'select * from public.none_such' }, { Status: 'FAILED', Error: /none_such/ })
    await data('ListStatements', { StatementName: table }, { Statements: [{ Id: batch, StatementName: table }] })
    await stage.pages('redshift-data', 'ListStatements', { MaxResults: 50 }, 'Statements', TOKENS)
    const absent = { Id: '00000000-0000-4000-8000-000000000000' }
    await stage.fails('redshift-data', 'DescribeStatement', absent, { code: 'ResourceNotFoundException', status: 400 })
    await stage.fails(
      'redshift-data',
      'ExecuteStatement',
      { ...place, WorkgroupName: 'none', Sql: 'select 1' },
      { code: 'ValidationException', status: 400 },
    )
    const token = { ...place, Sql: 'select 1', ClientToken: stage.name('token') }
    const first = await data('ExecuteStatement', token)
    await data('ExecuteStatement', token, { Id: String(first.Id) })
    await stage.fails('redshift-data', 'CancelStatement', { Id }, { code: 'ValidationException', status: 400 })
  })
  await stage.part('redshift-data', 'catalog', async () => {
    await data('ListDatabases', place, { Databases: ['sluice'] })
    await data('ListSchemas', place, { Schemas: (schemas) => JSON.stringify(schemas).includes('"public"') })
    const tables = { ...place, SchemaPattern: 'public', TablePattern: table }
    await data('ListTables', tables, { Tables: [{ name: table, schema: 'public', type: 'TABLE' }] })
    const paged = await stage.pages('redshift-data', 'ListTables', { ...place, MaxResults: 2 }, 'Tables', TOKENS)
    await stage.check('redshift-data', 'ListTables: pages', () => {
      if (paged.pages < 2) throw new Error('one page')
    })
    await data(
      'DescribeTable',
      { ...place, Schema: 'public', Table: table },
      {
        ColumnList: [
          { name: 'id', nullable: 0 },
          { name: 'name', typeName: 'varchar' },
          { name: 'price', precision: 10, scale: 2 },
        ],
        TableName: table,
      },
    )
  })
  await sent('ExecuteStatement', { Sql: `drop table public.${table}` })
}
