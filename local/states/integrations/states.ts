import { digestOf } from '../../../core/digest.ts'
import { isJsonObject, type Json } from '../../../core/json.ts'
import { contextOf, type Integration, type IntegrationPorts, TaskFailure, type TaskRequest } from './integration.ts'
import { asText, sdkMetadata, stateOutput } from './sdk-shape.ts'
import { optimizedFailure } from './service-errors.ts'

/** `states:startExecution`, `.sync` (input and output of the child as text) and `.sync:2` (parsed). */
export const startExecution = (ports: IntegrationPorts, parsedResult: boolean): Integration => ({
  async call(request) {
    const input = startInput(request)
    const output = await statesCall(ports, request, 'StartExecution', input).catch((thrown: unknown) =>
      startedEarlier(ports, request, input, thrown),
    )
    return { ...output, ...sdkMetadata(ports.uuid()) }
  },
  async wait(submitted, request) {
    const executionArn = executionOf(submitted)
    for (;;) {
      await ports.whenClosed(executionArn, request.signal)
      const description = await statesCall(ports, request, 'DescribeExecution', { executionArn })
      if (description.Status === 'RUNNING') await pause(ports, request)
      else return childResult(description, parsedResult)
    }
  },
  async stop(submitted, request) {
    await statesCall(ports, request, 'StopExecution', { executionArn: executionOf(submitted) })
  },
})

interface StartInput {
  readonly stateMachineArn: string
  readonly name: string
  readonly input: string
}

/** Without a name the attempt gives one, so that the same attempt, taken up again, finds what it started. */
function startInput({ parameters, executionArn, attempt }: TaskRequest): StartInput {
  const { StateMachineArn, Name, Input } = isJsonObject(parameters) ? parameters : {}
  return {
    stateMachineArn: String(StateMachineArn),
    name: Name === undefined ? uuidOf(`${executionArn}#${attempt}`) : String(Name),
    input: Input === undefined || Input === null ? '{}' : asText(Input),
  }
}

const uuidOf = (text: string): string =>
  digestOf(text).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')

/** An attempt that is taken up again finds its own child: that is no fault. @throws the failure otherwise */
async function startedEarlier(
  ports: IntegrationPorts,
  request: TaskRequest,
  { stateMachineArn, name, input }: StartInput,
  thrown: unknown,
): Promise<Record<string, Json>> {
  const exists =
    thrown instanceof TaskFailure && thrown.failure.error === 'StepFunctions.ExecutionAlreadyExistsException'
  if (!exists || !request.resumed) throw thrown
  const [machine] = /^.*:stateMachine:[^:]+/.exec(stateMachineArn) ?? ['']
  const executionArn = `${machine.replace(':stateMachine:', ':execution:')}:${name}`
  const { ExecutionArn, StartDate, Input } = await statesCall(ports, request, 'DescribeExecution', { executionArn })
  if (Input !== input || ExecutionArn === undefined || StartDate === undefined) throw thrown
  return { ExecutionArn, StartDate }
}

const executionOf = (submitted: Json): string => String(isJsonObject(submitted) ? submitted.ExecutionArn : '')

/** A child that was not taken up again yet after a restart is looked at again after this time. */
const LOOK_AGAIN_MILLIS = 50

const pause = ({ clock }: IntegrationPorts, { signal }: TaskRequest): Promise<void> =>
  clock.sleepUntil(new Date(clock.now().getTime() + LOOK_AGAIN_MILLIS), signal)

/** @throws TaskFailure for a child that did not succeed */
function childResult(description: Record<string, Json>, parsedResult: boolean): Json {
  if (description.Status === 'SUCCEEDED') return resultOf(description, parsedResult)
  // The cause shows the input as text, whatever the result would have.
  throw new TaskFailure({ error: 'States.TaskFailed', cause: JSON.stringify(resultOf(description, false)) })
}

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
