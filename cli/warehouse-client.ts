import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  type RedshiftDataClient,
} from '@aws-sdk/client-redshift-data'
import { ADMINISTRATOR_SECRET } from '../warehouse/analyst-session.ts'

/** How a batch ended: the id of its last statement, or why it failed. */
export type BatchEnd = { readonly lastId: string } | { readonly error: string }

async function endOf(client: RedshiftDataClient, Id: string): Promise<BatchEnd> {
  for (let round = 0; ; round += 1) {
    const { Status, Error: error, SubStatements = [] } = await client.send(new DescribeStatementCommand({ Id }))
    if (Status === 'FINISHED') return { lastId: SubStatements.at(-1)?.Id ?? Id }
    if (Status === 'FAILED' || Status === 'ABORTED') {
      const failed = SubStatements.find((statement) => statement.Status === 'FAILED')
      return { error: failed?.Error ?? error ?? 'the statement was aborted' }
    }
    await new Promise((done) => setTimeout(done, Math.min(10 + round * 10, 500)))
  }
}

/** Runs statements as one transaction in a session of the workgroup's administrator. */
export async function runBatch(client: RedshiftDataClient, sqls: readonly string[]): Promise<BatchEnd> {
  const { Id = '' } = await client.send(
    new BatchExecuteStatementCommand({
      WorkgroupName: 'sluice',
      Database: 'sluice',
      SecretArn: ADMINISTRATOR_SECRET,
      Sqls: [...sqls],
    }),
  )
  return endOf(client, Id)
}

/** Why the statements failed, or `null`. */
export async function administer(client: RedshiftDataClient, sqls: readonly string[]): Promise<string | null> {
  const end = await runBatch(client, sqls)
  return 'error' in end ? end.error : null
}
