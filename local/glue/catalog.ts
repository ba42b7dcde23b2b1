/** The data catalog: databases, tables with their versions, partitions. */
import type { JsonObject } from '../../core/json.ts'
import type { GlueModel } from '../assembly/model.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Clock, type Collection, type Operation, type Permission, type Store } from '../service.ts'
import { GLUE_PAGING, nextToken } from './pages.ts'
import { parsePartitionExpression } from './partition-expression.ts'

interface Place {
  readonly accountId: string
  readonly region: string
}

interface DatabaseRecord {
  readonly input: JsonObject
  readonly createdAtMillis: number
}
interface TableRecord {
  readonly input: JsonObject
  readonly versionId: string
  readonly createdAtMillis: number
  readonly updatedAtMillis: number
}
interface PartitionRecord {
  readonly input: Readonly<Record<string, unknown>>
  readonly createdAtMillis: number
}

export interface Catalog {
  readonly operations: Readonly<Record<string, Operation>>
  /** Brings databases and tables to what the template says; partitions and what others made stay. */
  deploy(model: GlueModel): Promise<void>
}

export function createCatalog(store: Store, clock: Clock, place: Place): Catalog {
  const databases: Collection<DatabaseRecord> = store.collection('glue.databases')
  const tables: Collection<TableRecord> = store.collection('glue.tables')
  const tableVersions: Collection<TableRecord> = store.collection('glue.table-versions')
  const partitions: Collection<PartitionRecord> = store.collection('glue.partitions')

  const databaseOf = (name: string): DatabaseRecord => {
    const found = databases.get([name])
    if (found !== undefined) return found
    throw new AwsError('EntityNotFoundException', `Database ${name} not found.`)
  }
  const tableOf = (databaseName: string, name: string): TableRecord => {
    databaseOf(databaseName)
    const found = tables.get([databaseName, name])
    if (found !== undefined) return found
    throw new AwsError('EntityNotFoundException', `Table ${name} not found.`)
  }
  const putTable = async (databaseName: string, name: string, input: JsonObject): Promise<void> => {
    const former = tables.get([databaseName, name])
    if (former !== undefined && JSON.stringify(former.input) === JSON.stringify(input)) return
    const now = clock.now().getTime()
    const record = {
      input,
      versionId: String(former === undefined ? 0 : Number(former.versionId) + 1),
      createdAtMillis: former?.createdAtMillis ?? now,
      updatedAtMillis: now,
    }
    await store.transaction(() => {
      if (former !== undefined) void tableVersions.put([databaseName, name, Number(former.versionId)], former)
      void tables.put([databaseName, name], record)
    })
  }
  const describeTable = (databaseName: string, name: string, record: TableRecord): Record<string, unknown> => ({
    ...record.input,
    Name: name,
    DatabaseName: databaseName,
    CatalogId: place.accountId,
    CreateTime: new Date(record.createdAtMillis),
    UpdateTime: new Date(record.updatedAtMillis),
    VersionId: record.versionId,
  })
  const describePartition = (request: Input, record: PartitionRecord): Record<string, unknown> => ({
    ...record.input,
    DatabaseName: request.text('DatabaseName'),
    TableName: request.text('TableName'),
    CatalogId: place.accountId,
    CreationTime: new Date(record.createdAtMillis),
  })
  const partitionKeys = (databaseName: string, tableName: string): readonly string[] => {
    const keys = tableOf(databaseName, tableName).input.PartitionKeys
    return Array.isArray(keys) ? keys.map((key) => readInput(key).text('Name')) : []
  }

  /** @throws AwsError `AlreadyExistsException`, `InvalidInputException`, `EntityNotFoundException` */
  const createPartition = async (databaseName: string, tableName: string, input: Input): Promise<void> => {
    const values = input.list('Values').map(String)
    const keys = partitionKeys(databaseName, tableName)
    if (values.length !== keys.length) {
      throw new AwsError(
        'InvalidInputException',
        'The number of partition keys do not match the number of partition values',
      )
    }
    const key = [databaseName, tableName, ...values]
    const created = await store.transaction(() => {
      if (partitions.get(key) !== undefined) return false
      void partitions.put(key, { input: input.members, createdAtMillis: clock.now().getTime() })
      return true
    })
    if (!created) throw new AwsError('AlreadyExistsException', 'Partition already exists.')
  }

  const batchCreate = async (request: Input): Promise<unknown> => {
    const [databaseName, tableName] = [request.text('DatabaseName'), request.text('TableName')]
    const errors: unknown[] = []
    for (const input of request.structures('PartitionInputList')) {
      try {
        await createPartition(databaseName, tableName, input)
      } catch (thrown) {
        if (!(thrown instanceof AwsError) || thrown.code === 'EntityNotFoundException') throw thrown
        errors.push({
          PartitionValues: input.list('Values'),
          ErrorDetail: { ErrorCode: thrown.code, ErrorMessage: thrown.message },
        })
      }
    }
    return { Errors: errors }
  }

  const getPartitions = (request: Input): unknown => {
    const [databaseName, tableName] = [request.text('DatabaseName'), request.text('TableName')]
    const keys = partitionKeys(databaseName, tableName)
    const matches = parsePartitionExpression(request.textOr('Expression', ''))
    const limit = Math.min(request.numberOr('MaxResults', 1000), 1000)
    const token = request.textOr('NextToken', null)
    const after = token === null ? undefined : (JSON.parse(token) as string[])
    const found: { key: (string | number)[]; record: PartitionRecord }[] = []
    for (const { key, value } of partitions.range([databaseName, tableName], after === undefined ? {} : { after })) {
      const values = Object.fromEntries(keys.map((name, index) => [name, String(key[index + 2])]))
      if (matches(values)) found.push({ key, record: value })
      if (found.length > limit) break
    }
    const page = found.slice(0, limit)
    const last = page.at(-1)
    return {
      Partitions: page.map(({ record }) => describePartition(request, record)),
      ...(found.length > limit && last !== undefined ? { NextToken: JSON.stringify(last.key) } : {}),
    }
  }

  const arn = (resource: string): string => `arn:aws:glue:${place.region}:${place.accountId}:${resource}`
  const catalogPermission = (action: string): Permission => ({ action: `glue:${action}`, resource: arn('catalog') })
  /** Glue asks for the action on the catalog, the database and the table. */
  const operation = (
    action: string,
    level: 'catalog' | 'database' | 'table',
    members: { readonly database?: string; readonly table?: (request: Input) => string },
    run: (request: Input) => unknown,
  ): Operation => ({
    permissions: (input) => {
      const request = readInput(input)
      const permissions = [catalogPermission(action)]
      if (level === 'catalog') return permissions
      const database = request.textOr(members.database ?? 'DatabaseName', '*')
      permissions.push({ action: `glue:${action}`, resource: arn(`database/${database}`) })
      if (level === 'table') {
        permissions.push({
          action: `glue:${action}`,
          resource: arn(`table/${database}/${members.table?.(request) ?? '*'}`),
        })
      }
      return permissions
    },
    run: async (input) => (await run(readInput(input))) ?? {},
  })
  const onTable = (action: string, run: (request: Input) => unknown): Operation =>
    operation(action, 'table', { table: (request) => request.textOr('TableName', '*') }, run)

  return {
    operations: {
      GetDatabases: operation('GetDatabases', 'catalog', {}, (request) => {
        const { page, next } = pageOf([...databases.range([])], request, GLUE_PAGING)
        const listed = page.map(({ value }) => ({
          ...value.input,
          CreateTime: new Date(value.createdAtMillis),
          CatalogId: place.accountId,
        }))
        return { DatabaseList: listed, ...nextToken(next) }
      }),
      GetDatabase: operation('GetDatabase', 'database', { database: 'Name' }, (request) => {
        const record = databaseOf(request.text('Name'))
        return {
          Database: { ...record.input, CreateTime: new Date(record.createdAtMillis), CatalogId: place.accountId },
        }
      }),
      GetTables: operation('GetTables', 'database', {}, (request) => {
        const databaseName = request.text('DatabaseName')
        databaseOf(databaseName)
        const wanted = namePattern(request.textOr('Expression', '.*'))
        const named = [...tables.range([databaseName])].filter(({ key }) => wanted.test(String(key[1])))
        const { page, next } = pageOf(named, request, GLUE_PAGING)
        const listed = page.map(({ key, value }) => describeTable(databaseName, String(key[1]), value))
        return { TableList: listed, ...nextToken(next) }
      }),
      GetTable: operation('GetTable', 'table', { table: (request) => request.textOr('Name', '*') }, (request) => {
        const [databaseName, name] = [request.text('DatabaseName'), request.text('Name')]
        return { Table: describeTable(databaseName, name, tableOf(databaseName, name)) }
      }),
      UpdateTable: operation(
        'UpdateTable',
        'table',
        { table: (request) => request.structure('TableInput').textOr('Name', '*') },
        async (request) => {
          const databaseName = request.text('DatabaseName')
          const name = request.structure('TableInput').text('Name')
          tableOf(databaseName, name)
          await putTable(databaseName, name, jsonCopy(request.members.TableInput))
        },
      ),
      GetTableVersions: onTable('GetTableVersions', (request) => {
        const [databaseName, name] = [request.text('DatabaseName'), request.text('TableName')]
        const current = tableOf(databaseName, name)
        const former = [...tableVersions.range([databaseName, name])].map(({ value }) => value)
        const { page, next } = pageOf([current, ...former.reverse()], request, GLUE_PAGING)
        const listed = page.map((record) => ({
          VersionId: record.versionId,
          Table: describeTable(databaseName, name, record),
        }))
        return { TableVersions: listed, ...nextToken(next) }
      }),
      CreatePartition: onTable('CreatePartition', (request) =>
        createPartition(request.text('DatabaseName'), request.text('TableName'), request.structure('PartitionInput')),
      ),
      BatchCreatePartition: onTable('BatchCreatePartition', batchCreate),
      GetPartition: onTable('GetPartition', (request) => {
        const [databaseName, tableName] = [request.text('DatabaseName'), request.text('TableName')]
        tableOf(databaseName, tableName)
        const record = partitions.get([databaseName, tableName, ...request.list('PartitionValues').map(String)])
        if (record === undefined) throw new AwsError('EntityNotFoundException', 'Cannot find partition.')
        return { Partition: describePartition(request, record) }
      }),
      GetPartitions: onTable('GetPartitions', getPartitions),
      BatchGetPartition: onTable('BatchGetPartition', (request) => {
        const [databaseName, tableName] = [request.text('DatabaseName'), request.text('TableName')]
        tableOf(databaseName, tableName)
        const asked = request.structures('PartitionsToGet').map((entry) => {
          const values = entry.list('Values').map(String)
          return { values, record: partitions.get([databaseName, tableName, ...values]) }
        })
        return {
          Partitions: asked.flatMap(({ record }) => (record === undefined ? [] : [describePartition(request, record)])),
          UnprocessedKeys: asked.filter(({ record }) => record === undefined).map(({ values }) => ({ Values: values })),
        }
      }),
    },
    deploy: async (model) => {
      const now = clock.now().getTime()
      await Promise.all(
        model.databases.map(({ name, input }) =>
          databases.put([name], {
            input: { ...input, Name: name },
            createdAtMillis: databases.get([name])?.createdAtMillis ?? now,
          }),
        ),
      )
      for (const { databaseName, name, input } of model.tables) await putTable(databaseName, name, input)
    },
  }
}

/** @throws AwsError `InvalidInputException` */
function namePattern(expression: string): RegExp {
  try {
    return new RegExp(`^(?:${expression})$`)
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown
    throw new AwsError('InvalidInputException', `Invalid expression: ${expression}`)
  }
}

const jsonCopy = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject
