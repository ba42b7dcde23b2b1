import { isJsonObject, type Json } from '../../../core/json.ts'
import { memoryStore } from '../../../local/memory-store.ts'
import {
  AwsError,
  type CallContext,
  type Caller,
  type Clock,
  type ServiceBus,
  type Store,
} from '../../../local/service.ts'
import { virtualClock } from '../../../local/states/conformance/virtual-clock.ts'
import { createStatesService, type StatesService } from '../../../local/states/service.ts'
import type { StatusEvent } from '../../../local/states/status-event.ts'

export const ROLE = 'arn:aws:iam::000000000000:role/machine'
const OPERATOR: Caller = { principalArn: 'arn:aws:iam::000000000000:root', roleArn: null, servicePrincipal: null }

/** A call that a task made. */
export interface SeenCall {
  readonly service: string
  readonly operation: string
  readonly input: Record<string, unknown>
  readonly caller: Caller
}

/** Answers a call of a task; what it throws is the service's error. */
export type Answer = (call: SeenCall, context: CallContext) => unknown

export interface Harness {
  readonly states: StatesService
  readonly store: Store
  readonly calls: readonly SeenCall[]
  readonly events: readonly StatusEvent[]
  readonly log: readonly string[]
  call(operation: string, input: unknown): Promise<Record<string, unknown>>
  create(name: string, states: Json, more?: Record<string, Json>, type?: 'STANDARD' | 'EXPRESS'): Promise<string>
  /** Starts an execution and returns its ARN. */
  start(stateMachineArn: string, input?: Json, name?: string): Promise<string>
  /** Starts an execution and returns its description when it has ended. */
  run(stateMachineArn: string, input?: Json, name?: string): Promise<Record<string, unknown>>
  describe(executionArn: string): Promise<Record<string, unknown>>
  /** `id<prev Type` of each event. */
  history(executionArn: string): Promise<readonly string[]>
}

export interface HarnessOptions {
  readonly store?: Store
  /** A clock that jumps to the next alarm by default. */
  readonly clock?: Clock
  /** Keeps the identifiers of one start apart from those of the next. */
  readonly generation?: string
  /** Which status events anyone takes. */
  readonly wants?: (event: StatusEvent) => boolean
}

/** Step Functions over a store, with services that the test answers for. */
export function harness(answer: Answer = () => ({}), options: HarnessOptions = {}): Harness {
  const { store = memoryStore(), clock = virtualClock(new Date('2026-01-01T00:00:00Z')), generation = 'id' } = options
  const calls: SeenCall[] = []
  const events: StatusEvent[] = []
  const log: string[] = []
  let count = 0
  const bus: ServiceBus = {
    authorize: async () => undefined,
    async call(service, operation, input, context) {
      const own = service === 'states' ? states.operations[operation] : undefined
      if (own !== undefined) return own.run(input, context)
      const call = { service, operation, input: isJsonObject(input) ? input : {}, caller: context.caller }
      calls.push(call)
      return answer(call, context)
    },
  }
  const states: StatesService = createStatesService({
    store,
    bus,
    clock,
    random: () => 0.5,
    ids: {
      uuid: () => {
        count += 1
        return `${generation}-${count}`
      },
    },
    region: 'us-east-2',
    accountId: '000000000000',
    emit: async (event) => {
      events.push(event)
    },
    ...(options.wants === undefined ? {} : { wants: options.wants }),
    log: (message) => log.push(message),
  })
  const call: Harness['call'] = async (operation, input) => {
    const known = states.operations[operation]
    if (known === undefined) throw new AwsError('NotImplemented', operation)
    const output: unknown = await known.run(input, {
      caller: OPERATOR,
      requestId: 'test',
      signal: new AbortController().signal,
    })
    return isJsonObject(output) ? output : {}
  }
  const start: Harness['start'] = async (stateMachineArn, input = {}, name) => {
    const started = await call('StartExecution', {
      stateMachineArn,
      input: JSON.stringify(input),
      ...(name === undefined ? {} : { name }),
    })
    return String(started.executionArn)
  }
  const describe: Harness['describe'] = (executionArn) => call('DescribeExecution', { executionArn })
  return {
    states,
    store,
    calls,
    events,
    log,
    call,
    start,
    describe,
    async create(name, machineStates, more = {}, type = 'STANDARD') {
      const [startAtState] = Object.keys(isJsonObject(machineStates) ? machineStates : {})
      const definition = { QueryLanguage: 'JSONata', StartAt: startAtState, States: machineStates, ...more }
      const created = await call('CreateStateMachine', {
        name,
        type,
        roleArn: ROLE,
        definition: JSON.stringify(definition),
      })
      return String(created.stateMachineArn)
    },
    async run(stateMachineArn, input, name) {
      const executionArn = await start(stateMachineArn, input, name)
      await states.whenClosed(executionArn)
      return describe(executionArn)
    },
    async history(executionArn) {
      const { events: list } = await call('GetExecutionHistory', { executionArn, maxResults: 1_000 })
      return (Array.isArray(list) ? list : []).map(
        (event: Record<string, unknown>) => `${event.id}<${event.previousEventId} ${event.type}`,
      )
    },
  }
}
