/** A small runtime for tests: S3, and what else is given, behind an endpoint on a free port. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { createServiceBus } from '../../../local/bus.ts'
import { type Endpoint, startEndpoint } from '../../../local/endpoint/server.ts'
import { createAuthorizer } from '../../../local/iam/authorizer.ts'
import { type CredentialStore, type Credentials, openCredentialStore } from '../../../local/iam/credentials.ts'
import { type PolicyRegistry, policyRegistry } from '../../../local/iam/policy-registry.ts'
import type { S3Event } from '../../../local/s3/outbox.ts'
import { createS3Service, type S3Service } from '../../../local/s3/service.ts'
import type { Clock, Service, ServiceBus, Store } from '../../../local/service.ts'
import { openStore } from '../../../local/store.ts'
import { systemClock } from '../../../local/system-clock.ts'

export const ACCOUNT = '000000000000'
export const REGION = 'us-east-2'
export const KEY_ARN = `arn:aws:kms:${REGION}:${ACCOUNT}:key/11111111-1111-1111-1111-111111111111`

export interface TestRuntime {
  readonly folder: string
  readonly endpoint: Endpoint
  readonly credentials: CredentialStore
  readonly policies: PolicyRegistry
  readonly s3: S3Service
  readonly bus: ServiceBus
  readonly store: Store
  readonly events: S3Event[]
  client(config?: Partial<S3ClientConfig> & { credentials?: Credentials }): S3Client
  close(options?: { keep?: boolean }): Promise<void>
}

export interface TestOptions {
  readonly folder?: string
  readonly clock?: Clock
  readonly emit?: (event: S3Event) => Promise<void>
  readonly services?: (seams: { store: Store; clock: Clock }) => Promise<readonly Service[]>
}

export async function startRuntime(options: TestOptions = {}): Promise<TestRuntime> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'endpoint-'))
  const store = openStore(folder)
  const clock = options.clock ?? systemClock
  const credentials = openCredentialStore(folder, ACCOUNT)
  const policies = policyRegistry()
  policies.putResourcePolicy(KEY_ARN, {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` }, Action: 'kms:*', Resource: '*' },
    ],
  })
  const authorizer = createAuthorizer(policies, ACCOUNT)
  const events: S3Event[] = []
  const record = async (event: S3Event): Promise<void> => void events.push(event)
  const s3 = createS3Service({
    store,
    stateDirectory: folder,
    clock,
    accountId: ACCOUNT,
    region: REGION,
    authorizer,
    policies,
    emit: options.emit ?? record,
    report: () => undefined,
  })
  const more = (await options.services?.({ store, clock })) ?? []
  const bus = createServiceBus({ services: [s3, ...more], authorizer })
  const endpoint = await startEndpoint({ bus, credentials, region: REGION, clock, port: 0 })
  await s3.start()
  const clients: S3Client[] = []
  return {
    folder,
    endpoint,
    credentials,
    policies,
    s3,
    bus,
    store,
    events,
    client: (config = {}) => {
      const client = new S3Client({
        endpoint: endpoint.url,
        region: REGION,
        credentials: credentials.operator,
        maxAttempts: 1,
        ...config,
      })
      clients.push(client)
      return client
    },
    close: async ({ keep = false } = {}) => {
      for (const client of clients) client.destroy()
      await endpoint.close()
      await s3.close()
      await store.close()
      if (!keep) rmSync(folder, { recursive: true, force: true })
    },
  }
}
