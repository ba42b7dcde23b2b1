/** Queues and their messages in the store. Functions that write are called inside a transaction. */

import { randomUUID } from 'node:crypto'
import type { Clock, Store } from '../service.ts'
import type { MessageAttributes } from './message-attributes.ts'

/** A standard queue as the template declares it. */
export interface QueueSettings {
  readonly name: string
  readonly arn: string
  readonly url: string
  readonly fifo: boolean
  readonly kmsKeyArn: string | null
  readonly visibilityTimeoutSeconds: number
  readonly retentionSeconds: number
  readonly delaySeconds: number
  readonly maximumMessageBytes: number
  readonly receiveWaitSeconds: number
  readonly redrive: { readonly deadLetterArn: string; readonly maxReceiveCount: number } | null
}

/** What SQS gives a queue that says nothing. */
export const defaultQueueSettings = (named: Pick<QueueSettings, 'name' | 'arn' | 'url'>): QueueSettings => ({
  ...named,
  fifo: false,
  kmsKeyArn: null,
  visibilityTimeoutSeconds: 30,
  retentionSeconds: 345_600,
  delaySeconds: 0,
  maximumMessageBytes: 1_048_576,
  receiveWaitSeconds: 0,
  redrive: null,
})

export interface QueueRecord extends QueueSettings {
  readonly createdAtMillis: number
  /** JSON text that a call gave it. */
  readonly policy?: string
  readonly tags?: Readonly<Record<string, string>>
}

export interface MessageRecord {
  readonly messageId: string
  readonly body: string
  readonly attributes: MessageAttributes
  readonly senderId: string
  readonly sentAtMillis: number
  readonly firstReceivedAtMillis: number | null
  readonly receiveCount: number
  /** From when on a receiver may have it. */
  readonly visibleAtMillis: number
}

export interface StoredMessage {
  readonly sequence: number
  readonly record: MessageRecord
}

export interface QueueState {
  queues(): readonly QueueRecord[]
  queue(name: string): QueueRecord | undefined
  putQueue(queue: QueueRecord): void
  /** With its messages. */
  removeQueue(queue: QueueRecord): void
  /** Adds a message that shows after `delaySeconds`. */
  add(
    queue: QueueRecord,
    message: Pick<MessageRecord, 'body' | 'attributes' | 'senderId'>,
    delaySeconds: number,
  ): MessageRecord
  /** Takes up to `limit` visible messages and hides them; those received too often go to the dead-letter queue instead. */
  take(queue: QueueRecord, limit: number, visibilitySeconds: number): readonly StoredMessage[]
  find(queue: QueueRecord, sequence: number): MessageRecord | undefined
  remove(queue: QueueRecord, sequence: number): void
  /** Changes when a message shows again. */
  show(queue: QueueRecord, sequence: number, atMillis: number): void
  purge(queue: QueueRecord): void
  count(queue: QueueRecord): { visible: number; hidden: number; delayed: number }
  /** When the next hidden message shows, or `null`. */
  nextVisibleAt(queue: QueueRecord): number | null
}

/** The state of all queues of a store. */
export function openQueueState(store: Store, clock: Clock): QueueState {
  const queues = store.collection<QueueRecord>('sqs.queues')
  const messages = store.collection<MessageRecord>('sqs.messages')
  /** Queue, time of showing, sequence: the order in which receivers get them. */
  const schedule = store.collection<1>('sqs.schedule')
  const counters = store.collection<number>('sqs.counters')
  const now = (): number => clock.now().getTime()

  const put = (name: string, sequence: number, record: MessageRecord): void => {
    messages.put([name, sequence], record)
    schedule.put([name, record.visibleAtMillis, sequence], 1)
  }
  const drop = (name: string, sequence: number): void => {
    const record = messages.get([name, sequence])
    if (record === undefined) return
    schedule.remove([name, record.visibleAtMillis, sequence])
    messages.remove([name, sequence])
  }
  const nextSequence = (): number => {
    const next = (counters.get(['sequence']) ?? 0) + 1
    counters.put(['sequence'], next)
    return next
  }
  const isExpired = (queue: QueueRecord, record: MessageRecord): boolean =>
    record.sentAtMillis + queue.retentionSeconds * 1000 <= now()

  const moveToDeadLetters = (queue: QueueRecord, sequence: number, record: MessageRecord): boolean => {
    if (queue.redrive === null || record.receiveCount < queue.redrive.maxReceiveCount) return false
    const target = [...queues.range([])].find(({ value }) => value.arn === queue.redrive?.deadLetterArn)?.value
    if (target === undefined) return false
    drop(queue.name, sequence)
    put(target.name, nextSequence(), { ...record, visibleAtMillis: now() })
    return true
  }
  const due = (queue: QueueRecord): number[] => {
    const sequences: number[] = []
    for (const { key } of schedule.range([queue.name])) {
      if (Number(key[1]) > now()) break
      sequences.push(Number(key[2]))
    }
    return sequences
  }
  return {
    queues: () => [...queues.range([])].map(({ value }) => value),
    queue: (name) => queues.get([name]),
    putQueue: (queue) => void queues.put([queue.name], queue),
    removeQueue: ({ name }) => {
      for (const { key } of [...messages.range([name])]) drop(name, Number(key[1]))
      void queues.remove([name])
    },
    add: (queue, message, delaySeconds) => {
      const sentAtMillis = now()
      const record: MessageRecord = {
        ...message,
        messageId: randomUUID(),
        sentAtMillis,
        firstReceivedAtMillis: null,
        receiveCount: 0,
        visibleAtMillis: sentAtMillis + delaySeconds * 1000,
      }
      put(queue.name, nextSequence(), record)
      return record
    },
    take: (queue, limit, visibilitySeconds) => {
      const taken: StoredMessage[] = []
      for (const sequence of due(queue)) {
        if (taken.length === limit) break
        const record = messages.get([queue.name, sequence])
        if (record === undefined) continue
        if (isExpired(queue, record)) drop(queue.name, sequence)
        else if (!moveToDeadLetters(queue, sequence, record)) {
          drop(queue.name, sequence)
          const received = {
            ...record,
            receiveCount: record.receiveCount + 1,
            firstReceivedAtMillis: record.firstReceivedAtMillis ?? now(),
            visibleAtMillis: now() + visibilitySeconds * 1000,
          }
          put(queue.name, sequence, received)
          taken.push({ sequence, record: received })
        }
      }
      return taken
    },
    find: ({ name }, sequence) => messages.get([name, sequence]),
    remove: ({ name }, sequence) => drop(name, sequence),
    show: ({ name }, sequence, atMillis) => {
      const record = messages.get([name, sequence])
      if (record === undefined) return
      drop(name, sequence)
      put(name, sequence, { ...record, visibleAtMillis: atMillis })
    },
    purge: ({ name }) => {
      for (const { key } of [...messages.range([name])]) drop(name, Number(key[1]))
    },
    count: (queue) => {
      const counts = { visible: 0, hidden: 0, delayed: 0 }
      for (const { value } of messages.range([queue.name])) {
        if (isExpired(queue, value)) continue
        if (value.visibleAtMillis <= now()) counts.visible += 1
        else if (value.receiveCount === 0) counts.delayed += 1
        else counts.hidden += 1
      }
      return counts
    },
    nextVisibleAt: ({ name }) => {
      for (const { key } of schedule.range([name], { limit: 1 })) return Number(key[1])
      return null
    },
  }
}
