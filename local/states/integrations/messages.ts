import { isJsonObject, type Json } from '../../../core/json.ts'
import { contextOf, type Integration, type IntegrationPorts, TaskFailure } from './integration.ts'
import { asText, sdkMetadata, stateOutput } from './sdk-shape.ts'
import { optimizedFailure } from './service-errors.ts'

/** `events:putEvents`: an entry that fails fails the task, although the others were sent. */
export const putEvents = (ports: IntegrationPorts): Integration => ({
  async call(request) {
    const context = contextOf(ports, request)
    const { Entries } = isJsonObject(request.parameters) ? request.parameters : {}
    const entries = Array.isArray(Entries) ? Entries.map((entry) => eventEntry(entry, request)) : Entries
    const output = await ports.bus
      .call('events', 'PutEvents', { Entries: entries }, context)
      .then((response) => stateOutput(response))
      .catch((thrown: unknown) => {
        throw optimizedFailure('events', thrown, context.requestId)
      })
    const failed = isJsonObject(output) && typeof output.FailedEntryCount === 'number' ? output.FailedEntryCount : 0
    if (failed > 0) throw new TaskFailure({ error: 'EventBridge.FailedEntry', cause: JSON.stringify(output) })
    return output
  },
})

function eventEntry(
  entry: unknown,
  { executionArn, machineArn }: { executionArn: string; machineArn: string },
): unknown {
  if (!isJsonObject(entry)) return entry
  const { Detail, Resources, Time } = entry
  return {
    ...entry,
    ...(Detail === undefined ? {} : { Detail: asText(Detail) }),
    ...(typeof Time === 'string' || typeof Time === 'number' ? { Time: new Date(Time) } : {}),
    Resources: [...(Array.isArray(Resources) ? Resources : []), executionArn, machineArn],
  }
}

/** `sqs:sendMessage` and `sns:publish`: a call whose message may be given as a value. */
export const sendText = (
  ports: IntegrationPorts,
  service: 'sqs' | 'sns',
  operation: string,
  member: string,
): Integration => ({
  async call(request): Promise<Json> {
    const context = contextOf(ports, request)
    const input = isJsonObject(request.parameters) ? request.parameters : {}
    const text = input[member]
    try {
      const response = await ports.bus.call(
        service,
        operation,
        text === undefined ? input : { ...input, [member]: asText(text) },
        context,
      )
      const output = await stateOutput(response)
      return { ...(isJsonObject(output) ? (output as Record<string, Json>) : {}), ...sdkMetadata(context.requestId) }
    } catch (thrown) {
      throw optimizedFailure(service, thrown, context.requestId)
    }
  },
})
