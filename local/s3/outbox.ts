/** Events of objects: committed with the object, delivered at least once, over restarts too. */

import { randomUUID } from 'node:crypto'
import { messageOf } from '../../core/errors.ts'
import type { Json, JsonObject } from '../../core/json.ts'
import type { Clock, Store } from '../service.ts'
import type { ObjectVersion } from './records.ts'

/** An EventBridge event as S3 sends it to the default bus. */
export interface S3Event extends JsonObject {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': string
  readonly source: 'aws.s3'
  readonly account: string
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  readonly detail: JsonObject
}

/** Takes an event over: once the promise resolves the receiver has it on disk. */
export type EmitEvent = (event: S3Event) => Promise<void>

export interface Outbox {
  /** Inside a transaction: keeps the event. */
  put(sequence: number, event: S3Event): void
  /** Delivers what is kept, oldest first; after a failure it tries again later. */
  deliver(): void
  /** Resolves once nothing is being delivered; stops further tries. */
  close(): Promise<void>
}

const RETRY_MILLIS = 1000

/** @param report is told of a delivery that failed and will be tried again */
export function openOutbox(store: Store, clock: Clock, emit: EmitEvent, report: (message: string) => void): Outbox {
  const kept = store.collection<S3Event>('s3.outbox')
  const stopped = new AbortController()
  let delivering: Promise<void> | null = null

  const deliverAll = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const batch = [...kept.range([], { limit: 100 })]
      if (batch.length === 0) return
      try {
        await Promise.all(batch.map(({ value }) => emit(value)))
      } catch (thrown) {
        report(`Cannot deliver an S3 event yet: ${messageOf(thrown)}`)
        await pause(clock, stopped.signal)
        continue
      }
      await store.transaction(() => {
        for (const { key } of batch) kept.remove(key)
      })
    }
  }
  return {
    put: (sequence, event) => void kept.put([sequence], event),
    deliver: () => {
      delivering ??= deliverAll().finally(() => {
        delivering = null
      })
    },
    close: async () => {
      stopped.abort()
      await delivering
    },
  }
}

async function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleepUntil(new Date(clock.now().getTime() + RETRY_MILLIS), signal)
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  }
}

export interface EventFacts {
  readonly bucket: string
  readonly key: string
  readonly version: ObjectVersion
  readonly reason: string
  readonly requestId: string
  readonly requester: string
  readonly accountId: string
  readonly region: string
}

/** The event "Object Created" (or "Object Deleted", which has neither size nor etag). */
export function objectEvent(facts: EventFacts, deletionType?: string): S3Event {
  const { bucket, key, version, accountId, region } = facts
  const object: Record<string, Json> = { key }
  if (deletionType === undefined) Object.assign(object, { size: version.sizeBytes, etag: version.etag })
  if (version.versionId !== 'null') object['version-id'] = version.versionId
  object.sequencer = version.sequence.toString(16).padStart(16, '0')
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': deletionType === undefined ? 'Object Created' : 'Object Deleted',
    source: 'aws.s3',
    account: accountId,
    time: `${version.lastModified.slice(0, 19)}Z`,
    region,
    resources: [`arn:aws:s3:::${bucket}`],
    detail: {
      version: '0',
      bucket: { name: bucket },
      object,
      'request-id': facts.requestId,
      requester: facts.requester,
      'source-ip-address': '127.0.0.1',
      reason: facts.reason,
      ...(deletionType === undefined ? {} : { 'deletion-type': deletionType }),
    },
  }
}
