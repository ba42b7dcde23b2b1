import { isJsonObject, type Json } from '../../../core/json.ts'
import { contextOf, type Integration, type IntegrationPorts, TaskFailure, type TaskRequest } from './integration.ts'
import { sdkMetadata } from './sdk-shape.ts'
import { optimizedFailure } from './service-errors.ts'

/** `Resource` = a function's ARN: the arguments are the event, the result is the function's. */
export const functionIntegration = (ports: IntegrationPorts, arn: string): Integration => ({
  async call(request) {
    const { text } = await invoke(ports, request, { FunctionName: arn }, JSON.stringify(request.parameters), false)
    return text === '' ? null : parsed(text)
  },
})

/** `lambda:invoke` */
export const lambdaInvoke = (ports: IntegrationPorts): Integration => ({
  async call(request) {
    const { Payload, ...members } = isJsonObject(request.parameters) ? request.parameters : {}
    const { text, requestId, statusCode, executedVersion } = await invoke(
      ports,
      request,
      members,
      payloadText(Payload),
      true,
    )
    return {
      ExecutedVersion: executedVersion,
      ...(text === '' ? {} : { Payload: parsed(text) }),
      ...sdkMetadata(requestId, { 'X-Amz-Executed-Version': executedVersion }),
      StatusCode: statusCode,
    }
  },
})

/** Text goes as it is; nothing goes as an empty object. */
function payloadText(payload: unknown): string {
  if (payload === undefined || payload === null) return '{}'
  return typeof payload === 'string' ? payload : JSON.stringify(payload)
}

async function invoke(
  ports: IntegrationPorts,
  request: TaskRequest,
  members: Readonly<Record<string, unknown>>,
  payload: string,
  compactCause: boolean,
): Promise<{ text: string; requestId: string; statusCode: number; executedVersion: string }> {
  const context = contextOf(ports, request)
  const response = await ports.bus
    .call('lambda', 'Invoke', { ...members, Payload: Buffer.from(payload) }, context)
    .catch((thrown: unknown) => {
      throw optimizedFailure('lambda', thrown, context.requestId)
    })
  const output = isJsonObject(response) ? response : {}
  const text = output.Payload instanceof Uint8Array ? Buffer.from(output.Payload).toString() : ''
  if (output.FunctionError !== undefined) throw functionFailure(text, compactCause)
  return {
    text,
    requestId: context.requestId,
    statusCode: typeof output.StatusCode === 'number' ? output.StatusCode : 200,
    executedVersion: typeof output.ExecutedVersion === 'string' ? output.ExecutedVersion : '$LATEST',
  }
}

/** The cause is the response's text, for `lambda:invoke` written anew without white space. */
function functionFailure(text: string, compact: boolean): TaskFailure {
  const body = parsed(text)
  if (isJsonObject(body) && typeof body.errorType === 'string')
    return new TaskFailure({ error: body.errorType, cause: compact ? JSON.stringify(body) : text })
  const cause = `The cause could not be determined because Lambda did not return an error type. Returned payload: ${text}`
  return new TaskFailure({ error: 'Lambda.Unknown', cause })
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
