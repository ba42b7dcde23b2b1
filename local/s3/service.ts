/** The S3 service of the runtime. */

import { join } from 'node:path'
import type { Authorizer } from '../iam/authorizer.ts'
import type { PolicyRegistry } from '../iam/policy-registry.ts'
import type { Clock, Service, Store } from '../service.ts'
import { openBlobStore } from './blobs.ts'
import { type BucketSettings, bucketOperations, putBucketSettings } from './buckets.ts'
import { openCatalog } from './catalog.ts'
import { bucketArn, type S3Context } from './context.ts'
import { copyObject } from './copy.ts'
import { listingOperations } from './listing.ts'
import { multipartOperations } from './multipart.ts'
import { objectOperations } from './objects.ts'
import { type EmitEvent, openOutbox } from './outbox.ts'
import { taggingOperations } from './tagging.ts'

export interface S3Options {
  readonly store: Store
  /** Objects lie in `objects/` below it. */
  readonly stateDirectory: string
  readonly clock: Clock
  readonly accountId: string
  readonly region: string
  /** Decides what an operation alone can ask: may this caller learn that a key is not there, delete this one of many. */
  readonly authorizer: Authorizer
  /** Kept in step with the buckets' policies. */
  readonly policies: PolicyRegistry
  /** Takes `Object Created` and `Object Deleted` events of buckets that send them. */
  readonly emit: EmitEvent
  /** Told of events that could not be delivered yet. */
  readonly report: (message: string) => void
}

export interface S3Service extends Service {
  /** For `createObjectAccess`. */
  readonly context: S3Context
  /** Makes a bucket, or brings an existing one to these settings; its objects stay. */
  provisionBucket(settings: BucketSettings): Promise<void>
  /** Names of all buckets. */
  bucketNames(): readonly string[]
  /** Deletes what a killed runtime left half-written and delivers the events it could not. Call once everything is up. */
  start(): Promise<void>
  close(): Promise<void>
}

/** Objects on the file system, their records in the store. An acknowledged write is on disk, and its event with it. */
export function createS3Service(options: S3Options): S3Service {
  const { store, clock, accountId, region, authorizer, policies } = options
  const outbox = openOutbox(store, clock, options.emit, options.report)
  const context: S3Context = {
    accountId,
    region,
    store,
    clock,
    authorizer,
    outbox,
    catalog: openCatalog(store, clock),
    blobs: openBlobStore(store, join(options.stateDirectory, 'objects')),
    policyChanged: ({ name, policy }) =>
      policies.putResourcePolicy(bucketArn(name), policy ?? { Version: '2012-10-17', Statement: [] }),
  }
  for (const { value } of context.catalog.buckets.range([])) {
    if (value.policy !== null) context.policyChanged(value)
  }
  return {
    id: 's3',
    context,
    operations: {
      ...bucketOperations(context),
      ...objectOperations(context),
      CopyObject: copyObject(context),
      ...multipartOperations(context),
      ...listingOperations(context),
      ...taggingOperations(context),
    },
    provisionBucket: (settings) => putBucketSettings(context, settings),
    bucketNames: () => [...context.catalog.buckets.range([])].map(({ value }) => value.name),
    start: async () => {
      await context.blobs.sweepLeftOver()
      outbox.deliver()
    },
    close: async () => {
      await outbox.close()
      await context.blobs.close()
    },
  }
}
