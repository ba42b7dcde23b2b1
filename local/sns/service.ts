/** SNS: topics, subscriptions of queues and functions, messages that are delivered from disk. */
import type { TopicModel } from '../assembly/model.ts'
import { compilePattern } from '../events/pattern.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Operation, type Permission, type Service } from '../service.ts'
import type { SnsContext, SnsOptions } from './context.ts'
import { createSnsDeliveries } from './deliveries.ts'
import { publishOperations } from './publish.ts'
import { openTopics, type SubscriptionRecord, type TopicRecord } from './topics.ts'

export interface SnsService extends Service {
  /** Makes the topics of the template and their subscriptions. */
  deploy(topics: readonly TopicModel[]): Promise<void>
  /** Takes up deliveries that an earlier process accepted. */
  resume(): void
  /** Resolves when no delivery runs or is due. */
  idle(): Promise<void>
  close(): Promise<void>
}

export function createSnsService(options: SnsOptions): SnsService {
  const context: SnsContext = { ...options, topics: openTopics(options.store) }
  const deliveries = createSnsDeliveries(options)
  for (const topic of context.topics.all()) policyChanged(context, topic)
  return {
    id: 'sns',
    operations: {
      ...topicOperations(context),
      ...subscriptionOperations(context),
      ...publishOperations(context, deliveries),
    },
    deploy: async (declared) => {
      for (const { name, arn, displayName, subscriptions } of declared) {
        const former = context.topics.find(arn)
        await context.topics.put({ name, arn, displayName, policy: former?.policy ?? null, tags: former?.tags ?? {} })
        for (const { protocol, endpoint, rawDelivery, filterPolicy, filterScope } of subscriptions) {
          const made = subscribed(context, arn, protocolOf(protocol), endpoint)
          await context.topics.putSubscription({
            ...made,
            rawDelivery,
            filterPolicy,
            filterScope: scopeOf(filterScope),
          })
        }
      }
    },
    resume: () => deliveries.resume(),
    idle: () => deliveries.idle(),
    close: () => deliveries.close(),
  }
}

const invalid = (message: string): AwsError => new AwsError('InvalidParameter', `Invalid parameter: ${message}`)

function policyChanged({ policies }: SnsContext, { arn, policy }: TopicRecord): void {
  if (policy !== null) policies.putResourcePolicy(arn, JSON.parse(policy))
}

const NAME = /^[A-Za-z0-9_-]{1,256}$/
const PAGING = { size: 100, invalidToken: 'InvalidParameter' }
const nextOf = (next: string | undefined): { NextToken?: string } => (next === undefined ? {} : { NextToken: next })

/** An operation on the topic that the request names. */
const onTopic = (
  context: SnsContext,
  action: string,
  run: (topic: TopicRecord, input: Input) => unknown,
): Operation => ({
  permissions: (raw): Permission[] => [{ action: `sns:${action}`, resource: readInput(raw).text('TopicArn') }],
  run: async (raw) => {
    const input = readInput(raw)
    return (await run(context.topics.topic(input.text('TopicArn')), input)) ?? {}
  },
})

const onAll = (action: string, run: (input: Input) => unknown): Operation => ({
  permissions: () => [{ action: `sns:${action}`, resource: '*' }],
  run: async (raw) => run(readInput(raw)),
})

const tagsOf = (input: Input): Record<string, string> =>
  Object.fromEntries(input.structures('Tags').map((tag) => [tag.text('Key'), tag.textOr('Value', '')]))

function topicOperations(context: SnsContext): Record<string, Operation> {
  const { topics, region, accountId } = context
  const arnOf = (name: string): string => `arn:aws:sns:${region}:${accountId}:${name}`
  const setAttribute = async (topic: TopicRecord, name: string, value: string): Promise<void> => {
    const changed = withAttribute(topic, name, value)
    await topics.put(changed)
    policyChanged(context, changed)
  }
  return {
    CreateTopic: {
      permissions: (raw) => [{ action: 'sns:CreateTopic', resource: arnOf(readInput(raw).text('Name')) }],
      run: async (raw) => {
        const input = readInput(raw)
        const name = input.text('Name')
        if (!NAME.test(name)) throw invalid('Topic Name')
        const arn = arnOf(name)
        const made = topics.find(arn) ?? { name, arn, displayName: '', policy: null, tags: tagsOf(input) }
        const attributes = Object.entries(input.texts('Attributes'))
        const topic = attributes.reduce((so, [attribute, value]) => withAttribute(so, attribute, value), made)
        await topics.put(topic)
        policyChanged(context, topic)
        return { TopicArn: arn }
      },
    },
    DeleteTopic: {
      permissions: (raw) => [{ action: 'sns:DeleteTopic', resource: readInput(raw).text('TopicArn') }],
      run: async (raw) => {
        await topics.remove(readInput(raw).text('TopicArn'))
        return {}
      },
    },
    ListTopics: onAll('ListTopics', (input) => {
      const { page, next } = pageOf(topics.all(), input, PAGING)
      return { Topics: page.map(({ arn }) => ({ TopicArn: arn })), ...nextOf(next) }
    }),
    GetTopicAttributes: onTopic(context, 'GetTopicAttributes', (topic) => ({
      Attributes: {
        TopicArn: topic.arn,
        Owner: accountId,
        DisplayName: topic.displayName,
        ...(topic.policy === null ? {} : { Policy: topic.policy }),
        SubscriptionsConfirmed: String(topics.subscriptions(topic.arn).length),
        SubscriptionsPending: '0',
        SubscriptionsDeleted: '0',
      },
    })),
    SetTopicAttributes: onTopic(context, 'SetTopicAttributes', (topic, input) =>
      setAttribute(topic, input.text('AttributeName'), input.textOr('AttributeValue', '')),
    ),
    ListTagsForResource: {
      permissions: (raw) => [{ action: 'sns:ListTagsForResource', resource: readInput(raw).text('ResourceArn') }],
      run: async (raw) => {
        const { tags } = topics.topic(readInput(raw).text('ResourceArn'))
        return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) }
      },
    },
  }
}

/** @throws AwsError `InvalidParameter` for attributes that are not there */
function withAttribute(topic: TopicRecord, name: string, value: string): TopicRecord {
  if (name === 'DisplayName') return { ...topic, displayName: value }
  if (name === 'Policy') return { ...topic, policy: jsonText(value, 'Policy') }
  throw invalid(`AttributeName: ${name} is not implemented by this runtime`)
}

/** @throws AwsError `InvalidParameter` */
function jsonText(text: string, name: string): string {
  try {
    return JSON.stringify(JSON.parse(text))
  } catch (thrown) {
    if (thrown instanceof SyntaxError) throw invalid(`${name} is not JSON`)
    throw thrown
  }
}

/** @throws AwsError `InvalidParameter` */
function protocolOf(protocol: string): SubscriptionRecord['protocol'] {
  if (protocol === 'sqs' || protocol === 'lambda') return protocol
  throw invalid(`Protocol: ${protocol} is not implemented by this runtime, sqs and lambda are`)
}

const scopeOf = (scope: string): SubscriptionRecord['filterScope'] =>
  scope === 'MessageBody' ? 'MessageBody' : 'MessageAttributes'

/** A subscription of an endpoint: the one there is, or a new one. */
function subscribed(
  { topics, ids }: SnsContext,
  topicArn: string,
  protocol: SubscriptionRecord['protocol'],
  endpoint: string,
): SubscriptionRecord {
  const there = topics.subscriptions(topicArn).find((one) => one.endpoint === endpoint)
  if (there !== undefined) return there
  const filter = { filterPolicy: null, filterScope: 'MessageAttributes' as const }
  return { arn: `${topicArn}:${ids()}`, topicArn, protocol, endpoint, rawDelivery: false, ...filter }
}

function subscriptionOperations(context: SnsContext): Record<string, Operation> {
  const { topics, accountId } = context
  const onSubscription = (action: string, run: (found: SubscriptionRecord, input: Input) => unknown): Operation => ({
    permissions: (raw) => [{ action: `sns:${action}`, resource: topicOf(readInput(raw).text('SubscriptionArn')) }],
    run: async (raw) => {
      const input = readInput(raw)
      return (await run(topics.subscription(input.text('SubscriptionArn')), input)) ?? {}
    },
  })
  const listed = ({ arn, topicArn, protocol, endpoint }: SubscriptionRecord) => ({
    SubscriptionArn: arn,
    Owner: accountId,
    Protocol: protocol,
    Endpoint: endpoint,
    TopicArn: topicArn,
  })
  return {
    Subscribe: onTopic(context, 'Subscribe', async (topic, input) => {
      const endpoint = input.text('Endpoint')
      const protocol = protocolOf(input.text('Protocol'))
      if (!endpoint.startsWith(`arn:aws:${protocol}:`)) throw invalid(`Endpoint: ${endpoint} is no ARN of ${protocol}`)
      const made = subscribed(context, topic.arn, protocol, endpoint)
      const attributes = Object.entries(input.texts('Attributes'))
      const subscription = attributes.reduce((so, [name, value]) => withSetting(so, name, value), made)
      await topics.putSubscription(subscription)
      return { SubscriptionArn: subscription.arn }
    }),
    Unsubscribe: {
      permissions: (raw) => [{ action: 'sns:Unsubscribe', resource: topicOf(readInput(raw).text('SubscriptionArn')) }],
      run: async (raw) => {
        await topics.removeSubscription(topics.subscription(readInput(raw).text('SubscriptionArn')).arn)
        return {}
      },
    },
    ListSubscriptions: onAll('ListSubscriptions', (input) => {
      const { page, next } = pageOf(topics.subscriptions(), input, PAGING)
      return { Subscriptions: page.map(listed), ...nextOf(next) }
    }),
    ListSubscriptionsByTopic: onTopic(context, 'ListSubscriptionsByTopic', (topic, input) => {
      const { page, next } = pageOf(topics.subscriptions(topic.arn), input, PAGING)
      return { Subscriptions: page.map(listed), ...nextOf(next) }
    }),
    GetSubscriptionAttributes: onSubscription('GetSubscriptionAttributes', (found) => ({
      Attributes: {
        ...listed(found),
        RawMessageDelivery: String(found.rawDelivery),
        PendingConfirmation: 'false',
        ConfirmationWasAuthenticated: 'true',
        ...(found.filterPolicy === null
          ? {}
          : { FilterPolicy: found.filterPolicy, FilterPolicyScope: found.filterScope }),
      },
    })),
    SetSubscriptionAttributes: onSubscription('SetSubscriptionAttributes', (found, input) =>
      topics.putSubscription(withSetting(found, input.text('AttributeName'), input.textOr('AttributeValue', ''))),
    ),
  }
}

const topicOf = (subscriptionArn: string): string => subscriptionArn.split(':').slice(0, 6).join(':')

/** @throws AwsError `InvalidParameter` for attributes that are not there */
function withSetting(subscription: SubscriptionRecord, name: string, value: string): SubscriptionRecord {
  if (name === 'RawMessageDelivery') return { ...subscription, rawDelivery: value === 'true' }
  if (name === 'FilterPolicyScope') return { ...subscription, filterScope: scopeOf(value) }
  if (name !== 'FilterPolicy') throw invalid(`AttributeName: ${name} is not implemented by this runtime`)
  if (value === '' || value === '{}') return { ...subscription, filterPolicy: null }
  const filterPolicy = jsonText(value, 'FilterPolicy')
  compilePattern(JSON.parse(filterPolicy))
  return { ...subscription, filterPolicy }
}
