import type { Relation, RelationColumn } from '../engines/warehouse/relations.ts'
import { type Input, readInput } from '../input.ts'
import type { Operation } from '../service.ts'
import { type RedshiftDataContext, sendPermissions, workgroupOf } from './context.ts'

/** `%` and `_` as LIKE has them. */
export function matchesPattern(text: string, pattern: string | null): boolean {
  if (pattern === null) return true
  const escaped = pattern.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'i').test(text)
}

const describeColumn = (relation: Relation, column: RelationColumn): Record<string, unknown> => ({
  name: column.name,
  label: column.name,
  typeName: column.type.toLowerCase(),
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

/** ListDatabases, ListSchemas, ListTables, DescribeTable: whole answers, as the warehouse is small. */
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
    ListSchemas: operation('ListSchemas', async (input) => ({
      Schemas: [...new Set((await matching(context, input)).map(({ schema }) => schema))],
    })),
    ListTables: operation('ListTables', async (input) => ({
      Tables: (await matching(context, input)).map(({ schema, name, kind }) => ({
        schema,
        name,
        type: kind.toUpperCase(),
      })),
    })),
    DescribeTable: operation('DescribeTable', async (input) => {
      const relation = (await (await context.engine).relations()).find(
        ({ schema, name }) => name === input.textOr('Table', null) && schema === input.textOr('Schema', 'public'),
      )
      return {
        TableName: input.textOr('Table', ''),
        ColumnList: relation === undefined ? [] : relation.columns.map((column) => describeColumn(relation, column)),
      }
    }),
  }
}
