import type { Relation, RelationColumn } from '../engines/warehouse/relations.ts'
import { columnMetadata } from '../engines/warehouse/result.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import type { Operation } from '../service.ts'
import { type RedshiftDataContext, sendPermissions, workgroupOf } from './context.ts'

/** `%` and `_` as LIKE has them. */
export function matchesPattern(text: string, pattern: string | null): boolean {
  if (pattern === null) return true
  const escaped = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'i').test(text)
}

const describeColumn = (relation: Relation, column: RelationColumn): Record<string, unknown> => ({
  ...columnMetadata(column.name, column.type),
  nullable: column.nullable ? 1 : 0,
  schemaName: relation.schema,
  tableName: relation.name,
})

const matching = async (context: RedshiftDataContext, input: Input): Promise<readonly Relation[]> =>
  (await (await context.engine).relations()).filter(
    ({ schema, name }) =>
      matchesPattern(schema, input.textOr('SchemaPattern', null)) &&
      matchesPattern(name, input.textOr('TablePattern', null)),
  )

const PAGING = { size: 1000, invalidToken: 'ValidationException' }
const nextToken = (next: string | undefined): { NextToken?: string } => (next === undefined ? {} : { NextToken: next })

/** ListDatabases, ListSchemas, ListTables, DescribeTable. */
export function catalogOperations(context: RedshiftDataContext): Readonly<Record<string, Operation>> {
  const operation = (action: string, answer: (input: Input) => Promise<unknown>): Operation => ({
    permissions: (input) => sendPermissions(context, action, readInput(input)),
    run: async (request) => {
      const input = readInput(request)
      workgroupOf(context, input)
      return answer(input)
    },
  })
  return {
    ListDatabases: operation('ListDatabases', async () => ({ Databases: [context.model()?.databaseName] })),
    ListSchemas: operation('ListSchemas', async (input) => {
      const schemas = [...new Set((await matching(context, input)).map(({ schema }) => schema))]
      const { page, next } = pageOf(schemas, input, PAGING)
      return { Schemas: page, ...nextToken(next) }
    }),
    ListTables: operation('ListTables', async (input) => {
      const { page, next } = pageOf(await matching(context, input), input, PAGING)
      const listed = page.map(({ schema, name, kind }) => ({ schema, name, type: kind.toUpperCase() }))
      return { Tables: listed, ...nextToken(next) }
    }),
    DescribeTable: operation('DescribeTable', async (input) => {
      const relation = (await (await context.engine).relations()).find(
        ({ schema, name }) => name === input.textOr('Table', null) && schema === input.textOr('Schema', 'public'),
      )
      const { page, next } = pageOf(relation?.columns ?? [], input, PAGING)
      return {
        TableName: input.textOr('Table', ''),
        ColumnList: relation === undefined ? [] : page.map((column) => describeColumn(relation, column)),
        ...nextToken(next),
      }
    }),
  }
}
