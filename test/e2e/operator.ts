import {
  BatchExecuteStatementCommand,
  DescribeStatementCommand,
  ExecuteStatementCommand,
  GetStatementResultCommand,
  type RedshiftDataClient,
} from '@aws-sdk/client-redshift-data'
import {
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import {
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ListStateMachinesCommand,
  type SFNClient,
} from '@aws-sdk/client-sfn'
import { DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { clientSettings } from '../../cli/deployment.ts'
import type { Connection } from '../../cli/session.ts'
import { objectOf, textOf } from './json.ts'

export const sleep = (millis: number): Promise<void> => new Promise((done) => setTimeout(done, millis))

/** Waits until the answer is no `null`. @throws Error after `seconds` */
export async function eventually<T>(what: string, ask: () => Promise<T | null>, seconds = 60): Promise<T> {
  for (let waited = 0; waited < seconds * 1000; waited += 50) {
    const answer = await ask()
    if (answer !== null) return answer
    await sleep(50)
  }
  throw new Error(`waited ${seconds} s in vain for ${what}`)
}

export async function machineArn(states: SFNClient, name: string): Promise<string> {
  const { stateMachines = [] } = await states.send(new ListStateMachinesCommand({ maxResults: 1000 }))
  const arn = stateMachines.find((machine) => machine.name === name)?.stateMachineArn
  if (arn === undefined) throw new Error(`there is no machine ${name}`)
  return arn
}

/** How an execution ended. */
export async function endOf(states: SFNClient, executionArn: string, seconds = 60) {
  return eventually(
    `the end of ${executionArn}`,
    async () => {
      const execution = await states.send(new DescribeExecutionCommand({ executionArn }))
      return execution.status === 'RUNNING' ? null : execution
    },
    seconds,
  )
}

/** Deletes every version of the objects under a prefix whose keys have the part. Answers how many there were. */
export async function deleteObjects(s3: S3Client, bucket: string, prefix: string, part = ''): Promise<number> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }))
  const objects = Versions.flatMap(({ Key, VersionId }) =>
    Key?.includes(part) === true ? [{ Key, VersionId: VersionId ?? 'null' }] : [],
  )
  if (objects.length > 0)
    await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }))
  return objects.length
}

/** Puts another text in an object's place. */
export async function rewriteObject(
  s3: S3Client,
  bucket: string,
  prefix: string,
  ending: string,
  change: (text: string) => string,
): Promise<void> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }))
  const key = textOf(Versions.find(({ Key }) => Key?.endsWith(ending) === true)?.Key)
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  await s3.send(
    new PutObjectCommand({ Bucket: bucket, Key: key, Body: change((await Body?.transformToString()) ?? '') }),
  )
}

/** Secret of the warehouse's administrator, from the definition of the machine that prepares the warehouse. */
async function administratorSecret(states: SFNClient): Promise<string> {
  const { definition = '' } = await states.send(
    new DescribeStateMachineCommand({ stateMachineArn: await machineArn(states, 'deploy') }),
  )
  return textOf(/"SecretArn":"([^"]+)"/.exec(JSON.stringify(JSON.parse(definition)))?.[1])
}

async function finished(warehouse: RedshiftDataClient, Id: string): Promise<void> {
  const { Error: error } = await eventually(`statement ${Id}`, async () => {
    const statement = await warehouse.send(new DescribeStatementCommand({ Id }))
    return ['FINISHED', 'FAILED', 'ABORTED'].includes(statement.Status ?? '') ? statement : null
  })
  if (error !== undefined) throw new Error(error)
}

/** Runs statements as the administrator of the warehouse, in one transaction. */
export async function asAdministrator(
  { states, warehouse }: { readonly states: SFNClient; readonly warehouse: RedshiftDataClient },
  sqls: readonly string[],
): Promise<void> {
  const SecretArn = await administratorSecret(states)
  for (let from = 0; from < sqls.length; from += 40) {
    const Sqls = sqls.slice(from, from + 40)
    const { Id = '' } = await warehouse.send(
      new BatchExecuteStatementCommand({ WorkgroupName: 'sluice', Database: 'sluice', SecretArn, Sqls }),
    )
    await finished(warehouse, Id)
  }
}

/** A queue as its consumer sees it. */
export interface Queue {
  readonly url: string
  /** Takes what is there. */
  receive(): Promise<readonly Record<string, unknown>[]>
  close(): void
}

export async function openQueue(connection: Connection, name: string): Promise<Queue> {
  const sqs = new SQSClient(clientSettings(connection))
  const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }))
  return {
    url: QueueUrl,
    async receive() {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 }),
      )
      for (const { ReceiptHandle } of Messages) await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }))
      return Messages.map(({ Body }) => objectOf(JSON.parse(Body ?? 'null')))
    },
    close: () => sqs.destroy(),
  }
}

/** Rows that a query of the warehouse's administrator answers, each as a list of texts. */
export async function administratorRows(
  { states, warehouse }: { readonly states: SFNClient; readonly warehouse: RedshiftDataClient },
  sql: string,
): Promise<readonly (readonly string[])[]> {
  const SecretArn = await administratorSecret(states)
  const { Id = '' } = await warehouse.send(
    new ExecuteStatementCommand({ WorkgroupName: 'sluice', Database: 'sluice', SecretArn, Sql: sql }),
  )
  await finished(warehouse, Id)
  const { Records = [] } = await warehouse.send(new GetStatementResultCommand({ Id }))
  return Records.map((record) => record.map((field) => String(Object.values(field)[0])))
}
