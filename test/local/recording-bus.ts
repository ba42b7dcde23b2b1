import type { AwsError, Caller, ServiceBus } from '../../local/service.ts'

/** A call that a service made of another. */
export interface RecordedCall {
  /** `sqs:SendMessage` */
  readonly target: string
  readonly input: Record<string, unknown>
  readonly caller: Caller
}

export interface RecordingBus extends ServiceBus {
  readonly calls: RecordedCall[]
  /** Which calls fail, and how. */
  failure: ((target: string) => AwsError | null) | null
}

/** A bus whose services answer nothing, and that keeps what they were asked. */
export function recordingBus(): RecordingBus {
  const bus: RecordingBus = {
    calls: [],
    failure: null,
    authorize: async () => undefined,
    call: async (id, operation, input, { caller }) => {
      const target = `${id}:${operation}`
      bus.calls.push({ target, input: input as Record<string, unknown>, caller })
      const failed = bus.failure?.(target) ?? null
      if (failed !== null) throw failed
      return {}
    },
  }
  return bus
}

/** `id-1`, `id-2`, … */
export function countedIds(): () => string {
  let count = 0
  return () => {
    count += 1
    return `id-${count}`
  }
}
