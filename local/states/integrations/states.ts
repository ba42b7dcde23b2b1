import { isJsonObject, type Json } from '../../../core/json.ts'
import { contextOf, type Integration, type IntegrationPorts, TaskFailure, type TaskRequest } from './integration.ts'
import { asText, sdkMetadata, stateOutput } from './sdk-shape.ts'
import { optimizedFailure } from './service-errors.ts'

/** `states:startExecution`, `.sync` (input and output of the child as text) and `.sync:2` (parsed). */
export const startExecution = (ports: IntegrationPorts, parsedResult: boolean): Integration => ({
  async call(request) {
    const { StateMachineArn, Name, Input } = isJsonObject(request.parameters) ? request.parameters : {}
    const input = {
      stateMachineArn: StateMachineArn,
      ...(Name === undefined ? {} : { name: Name }),
      input: Input === undefined || Input === null ? '{}' : asText(Input),
    }
    const output = await statesCall(ports, request, 'StartExecution', input)
    return { ...output, ...sdkMetadata(ports.uuid()) }
  },
  async wait(submitted, request) {
    const executionArn = executionOf(submitted)
    await ports.whenClosed(executionArn, request.signal)
    const description = resultOf(await statesCall(ports, request, 'DescribeExecution', { executionArn }), parsedResult)
    if (description.Status === 'SUCCEEDED') return description
    throw new TaskFailure({ error: 'States.TaskFailed', cause: JSON.stringify(description) })
  },
  async stop(submitted, request) {
    await statesCall(ports, request, 'StopExecution', { executionArn: executionOf(submitted) })
  },
})

const executionOf = (submitted: Json): string => String(isJsonObject(submitted) ? submitted.ExecutionArn : '')

const MEMBERS = [
  'Cause',
  'Error',
  'ExecutionArn',
  'Input',
  'InputDetails',
  'Name',
  'Output',
  'OutputDetails',
  'StartDate',
  'StateMachineArn',
  'Status',
  'StopDate',
]

function resultOf(description: Record<string, Json>, parsedResult: boolean): Record<string, Json> {
  const result: Record<string, Json> = {}
  for (const member of MEMBERS) {
    const value = description[member]
    if (value === undefined) continue
    const text = member === 'Input' || member === 'Output'
    result[member] = text && parsedResult && typeof value === 'string' ? (JSON.parse(value) as Json) : value
  }
  return result
}

async function statesCall(
  ports: IntegrationPorts,
  request: TaskRequest,
  operation: string,
  input: unknown,
): Promise<Record<string, Json>> {
  const context = contextOf(ports, request)
  try {
    const output = await stateOutput(await ports.bus.call('states', operation, input, context), 'millis')
    return isJsonObject(output) ? (output as Record<string, Json>) : {}
  } catch (thrown) {
    throw optimizedFailure('states', thrown, context.requestId)
  }
}
