import { isJsonObject, type Json } from '../../../core/json.ts'
import { modelOf, type OperationModel } from '../../endpoint/model.ts'
import { SDK_SERVICES } from '../resource.ts'
import { contextOf, type Integration, type IntegrationPorts, TaskFailure } from './integration.ts'
import { requestOf, responseOf, UnknownMember } from './sdk-model.ts'
import { stateOutput } from './sdk-shape.ts'
import { sdkFailure } from './service-errors.ts'

/** `aws-sdk:<service>:<action>`: any operation that the bus has. */
export function awsSdkIntegration(ports: IntegrationPorts, sdkName: string, action: string): Integration {
  const service = SDK_SERVICES[sdkName]?.service ?? sdkName
  const operation = action.charAt(0).toUpperCase() + action.slice(1)
  return {
    async call(request) {
      const context = contextOf(ports, request)
      const model = (await modelOf(service))?.operations.get(operation)
      const input = requestFor(service, model, request.parameters)
      try {
        const output = await ports.bus.call(service, operation, input, context)
        return model === undefined ? await stateOutput(output) : ((await responseOf(model.output, output)) ?? {})
      } catch (thrown) {
        throw sdkFailure(sdkName, thrown, context.requestId)
      }
    },
  }
}

/** An operation without a model is for the bus to refuse by name. */
function requestFor(service: string, model: OperationModel | undefined, parameters: Json): unknown {
  if (model === undefined) return parameters
  try {
    return requestOf(model.input, service === 's3' ? objectRequest(parameters) : parameters)
  } catch (thrown) {
    if (thrown instanceof UnknownMember) throw new TaskFailure({ error: 'States.Runtime', cause: thrown.message })
    throw thrown
  }
}

/** `Body` is sent as its JSON text, whatever it is: text goes with its quotes. Checked by CRC32, as the SDK does by itself. */
function objectRequest(parameters: Json): Json {
  if (!isJsonObject(parameters) || parameters.Body === undefined) return parameters
  const Body = JSON.stringify(parameters.Body)
  const isChecked = Object.keys(parameters).some((name) => name.startsWith('Checksum'))
  return {
    ContentType: 'text/plain; charset=UTF-8',
    ...(isChecked ? {} : { ChecksumAlgorithm: 'CRC32' }),
    ...(parameters as Record<string, Json>),
    Body,
  }
}
