/** The seam between the services of the local runtime: what a call is, who makes it, and what it may do. */

/** Who calls. `roleArn` is `null` for the operator, who is the account's administrator. */
export interface Caller {
  readonly principalArn: string
  readonly roleArn: string | null
  /** For calls that a service makes with its service principal, e.g. `events.amazonaws.com`. */
  readonly servicePrincipal: string | null
  /** Where a service principal acts for a resource: condition key `aws:SourceArn`, e.g. the rule that calls a target. */
  readonly sourceArn?: string
}

export interface CallContext {
  readonly caller: Caller
  readonly requestId: string
  readonly signal: AbortSignal
}

/** One thing a call must be allowed to do: an IAM action on a resource ARN, with condition keys. */
export interface Permission {
  readonly action: string
  readonly resource: string
  readonly context?: Readonly<Record<string, string | readonly string[]>>
}

/**
 * An API operation. Input and output have the members of the AWS SDK for JavaScript 3 command of the same name (same
 * casing; blobs as Uint8Array, streaming bodies as Readable, times as Date).
 */
export interface Operation {
  /** What the caller needs; evaluated before `run`. An operation without a permission is an error of ours, not an allowance. */
  permissions(input: unknown): readonly Permission[] | Promise<readonly Permission[]>
  run(input: unknown, context: CallContext): Promise<unknown>
}

/** `id` as in the SDK's client package and in credential scopes: s3, events, states, lambda, glue, redshift-data, secretsmanager, sqs, sns, logs. */
export interface Service {
  readonly id: string
  readonly operations: Readonly<Record<string, Operation>>
}

/** Calls between services and from the endpoint: permissions are evaluated, then the operation runs. */
export interface ServiceBus {
  /** @throws AwsError; `NotImplemented` by name for an unknown service or operation, `AccessDenied` as the service spells it. */
  call(service: string, operation: string, input: unknown, context: CallContext): Promise<unknown>
  /** For engines that open files themselves. @throws AwsError AccessDenied */
  authorize(caller: Caller, permission: Permission): Promise<void>
}

/** An error of an AWS API: the service's own code, a message that is never empty, the HTTP status. */
export class AwsError extends Error {
  readonly code: string
  readonly httpStatus: number
  /** Further members of the error's body, e.g. `Resource` of DynamoDB-like errors. */
  readonly members: Readonly<Record<string, unknown>>

  constructor(code: string, message: string, httpStatus = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message)
    this.name = code
    this.code = code
    this.httpStatus = httpStatus
    this.members = members
  }
}

/** Time and timers, injected so that tests can move them. */
export interface Clock {
  now(): Date
  /** Resolves at `at`, or rejects when the signal aborts. */
  sleepUntil(at: Date, signal: AbortSignal): Promise<void>
}

/** A durable ordered key-value collection (LMDB sub-database). Keys are tuples; values are JSON. */
export interface Collection<V> {
  get(key: readonly (string | number)[]): V | undefined
  /** In key order within the prefix. `after`: the key to start behind. */
  range(
    prefix: readonly (string | number)[],
    options?: { after?: readonly (string | number)[]; limit?: number; reverse?: boolean },
  ): Iterable<{ key: (string | number)[]; value: V }>
  /** Resolves once the write is on disk. */
  put(key: readonly (string | number)[], value: V): Promise<void>
  remove(key: readonly (string | number)[]): Promise<void>
}

export interface Store {
  collection<V>(name: string): Collection<V>
  /** Writes made synchronously inside `work` are one durable transaction (group commit). */
  transaction<T>(work: () => T): Promise<T>
  close(): Promise<void>
}
