/** What the operations of SNS share. */
import type { PolicyRegistry } from '../iam/policy-registry.ts'
import type { Clock, ServiceBus, Store } from '../service.ts'
import type { Topics } from './topics.ts'

export interface SnsOptions {
  readonly store: Store
  readonly clock: Clock
  readonly accountId: string
  readonly region: string
  readonly ids: () => string
  /** Known once all services are made. */
  readonly bus: () => ServiceBus
  /** Kept in step with the topics' policies. */
  readonly policies: PolicyRegistry
  readonly log: (message: string) => void
}

export interface SnsContext extends SnsOptions {
  readonly topics: Topics
}
