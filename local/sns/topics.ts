/** Topics and their subscriptions in the store. */
import type { Store } from '../service.ts'
import { AwsError } from '../service.ts'

export interface TopicRecord {
  readonly name: string
  readonly arn: string
  readonly displayName: string
  /** JSON text, or `null`. */
  readonly policy: string | null
  readonly tags: Readonly<Record<string, string>>
}

export interface SubscriptionRecord {
  readonly arn: string
  readonly topicArn: string
  readonly protocol: 'sqs' | 'lambda'
  /** The queue's or function's ARN. */
  readonly endpoint: string
  readonly rawDelivery: boolean
  /** JSON text, or `null`. */
  readonly filterPolicy: string | null
  readonly filterScope: 'MessageAttributes' | 'MessageBody'
}

export interface Topics {
  all(): readonly TopicRecord[]
  /** @throws AwsError `NotFound` */
  topic(arn: string): TopicRecord
  find(arn: string): TopicRecord | undefined
  put(topic: TopicRecord): Promise<void>
  /** With its subscriptions. */
  remove(arn: string): Promise<void>
  subscriptions(topicArn?: string): readonly SubscriptionRecord[]
  /** @throws AwsError `NotFound` */
  subscription(arn: string): SubscriptionRecord
  putSubscription(subscription: SubscriptionRecord): Promise<void>
  removeSubscription(arn: string): Promise<void>
}

export function openTopics(store: Store): Topics {
  const topics = store.collection<TopicRecord>('sns.topics')
  const kept = store.collection<SubscriptionRecord>('sns.subscriptions')
  const subscriptions = (topicArn?: string): SubscriptionRecord[] =>
    [...kept.range([])].map(({ value }) => value).filter((one) => topicArn === undefined || one.topicArn === topicArn)
  const required = <T>(found: T | undefined, what: string): T => {
    if (found !== undefined) return found
    throw new AwsError('NotFound', `${what} does not exist`, 404)
  }
  return {
    all: () => [...topics.range([])].map(({ value }) => value),
    find: (arn) => topics.get([arn]),
    topic: (arn) => required(topics.get([arn]), 'Topic'),
    put: (topic) => topics.put([topic.arn], topic),
    remove: (arn) =>
      store.transaction(() => {
        for (const subscription of subscriptions(arn)) void kept.remove([subscription.arn])
        void topics.remove([arn])
      }),
    subscriptions,
    subscription: (arn) => required(kept.get([arn]), 'Subscription'),
    putSubscription: (subscription) => kept.put([subscription.arn], subscription),
    removeSubscription: (arn) => kept.remove([arn]),
  }
}
