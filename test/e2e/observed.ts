import { GetObjectCommand, ListBucketsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import type { HistoryEvent } from '@aws-sdk/client-sfn'

/** The states that were entered, in the order of their first entry. */
export const statesEntered = (events: readonly HistoryEvent[]): readonly string[] => [
  ...new Set(events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? [])),
]

/** How often a task of the state was scheduled, retries included. */
export function attemptsOf(events: readonly HistoryEvent[], state: string): number {
  let current: string | undefined
  let attempts = 0
  for (const { type, stateEnteredEventDetails } of events) {
    current = stateEnteredEventDetails?.name ?? current
    if (current === state && type?.endsWith('Scheduled') === true) attempts += 1
  }
  return attempts
}

export interface StoredObject {
  readonly bucket: string
  readonly key: string
}

async function keysOf(s3: S3Client, bucket: string): Promise<readonly StoredObject[]> {
  const objects: StoredObject[] = []
  let token: string | undefined
  do {
    const page = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, ...(token === undefined ? {} : { ContinuationToken: token }) }),
    )
    objects.push(...(page.Contents ?? []).map(({ Key = '' }) => ({ bucket, key: Key })))
    token = page.NextContinuationToken
  } while (token !== undefined)
  return objects
}

/** Every object of every bucket. */
export async function allObjects(s3: S3Client): Promise<readonly StoredObject[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
  return (await Promise.all(Buckets.map(({ Name = '' }) => keysOf(s3, Name)))).flat()
}

/** The text of an object named by its `s3://` URI. @throws Error for another form */
export async function readObject(s3: S3Client, uri: string | null | undefined): Promise<string> {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(uri ?? '') ?? []
  if (bucket === undefined || key === undefined) throw new Error(`no object is named by ${uri}`)
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
  return (await Body?.transformToString()) ?? ''
}
