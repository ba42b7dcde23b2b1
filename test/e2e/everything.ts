import { ListSchemasCommand, ListTablesCommand } from '@aws-sdk/client-redshift-data'
import {
  ListBucketsCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3'
import { listJobs } from '../../cli/jobs-client.ts'
import { listRecords } from '../../cli/quarantine-client.ts'
import type { Clients } from './harness.ts'
import { executionsOf } from './history.ts'
import { administratorRows, machineArn } from './operator.ts'

const WAREHOUSE = { WorkgroupName: 'sluice', Database: 'sluice' } as const
const ALL_RECORDS = { tenantId: null, dataset: null, state: null, reasonCode: null, since: null, until: null }

async function versionsOf(s3: S3Client, Bucket: string): Promise<readonly string[]> {
  const versions: string[] = []
  let next: { KeyMarker?: string; VersionIdMarker?: string } | null = {}
  while (next !== null) {
    const page: ListObjectVersionsCommandOutput = await s3.send(new ListObjectVersionsCommand({ Bucket, ...next }))
    for (const { Key, VersionId, ETag } of page.Versions ?? []) versions.push([Bucket, Key, VersionId, ETag].join(' '))
    for (const { Key, VersionId } of page.DeleteMarkers ?? []) versions.push([Bucket, Key, VersionId].join(' '))
    const { NextKeyMarker: KeyMarker, NextVersionIdMarker: VersionIdMarker } = page
    next = KeyMarker === undefined ? null : { KeyMarker, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) }
  }
  return versions
}

/** Every version of every object in every bucket, as `bucket key version etag`. */
export async function allVersions(s3: S3Client): Promise<readonly string[]> {
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}))
  return (await Promise.all(Buckets.map(({ Name = '' }) => versionsOf(s3, Name)))).flat().sort()
}

/** Schemas and tables of the warehouse, with the rows of each. */
async function warehouseOf(clients: Clients): Promise<unknown> {
  const { Schemas = [] } = await clients.warehouse.send(new ListSchemasCommand(WAREHOUSE))
  const { Tables = [] } = await clients.warehouse.send(new ListTablesCommand({ ...WAREHOUSE, MaxResults: 1000 }))
  const rows: Record<string, readonly string[]> = {}
  for (const { schema, name, type } of Tables) {
    if (type !== 'TABLE') continue
    const found = await administratorRows(clients, `select * from "${schema}"."${name}"`)
    rows[`${schema}.${name}`] = found.map((row) => row.join(' ')).sort()
  }
  return { schemas: Schemas.toSorted(), relations: Tables.map(({ schema, name }) => `${schema}.${name}`).sort(), rows }
}

/** All that a deployment holds: objects, the warehouse, jobs, records of quarantine, and executions of ingest. */
export async function everything(clients: Clients) {
  const { s3, lambda, states } = clients
  return {
    versions: await allVersions(s3),
    warehouse: await warehouseOf(clients),
    jobs: await listJobs(lambda, { tenantId: null, status: null, limit: 10_000 }),
    quarantine: await listRecords(lambda, ALL_RECORDS, 10_000),
    ingest: (await executionsOf(states, await machineArn(states, 'ingest'))).toSorted(),
  }
}
