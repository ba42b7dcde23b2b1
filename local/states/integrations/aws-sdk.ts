import { isJsonObject } from '../../../core/json.ts'
import { SDK_SERVICES } from '../resource.ts'
import { contextOf, type Integration, type IntegrationPorts } from './integration.ts'
import { asText, sdkInput, stateOutput } from './sdk-shape.ts'
import { sdkFailure } from './service-errors.ts'

/** `aws-sdk:<service>:<action>`: any operation that the bus has. */
export function awsSdkIntegration(ports: IntegrationPorts, sdkName: string, action: string): Integration {
  const service = SDK_SERVICES[sdkName]?.service ?? sdkName
  const operation = action.charAt(0).toUpperCase() + action.slice(1)
  return {
    async call(request) {
      const context = contextOf(ports, request)
      const input = serialized(service, operation, sdkInput(service, request.parameters))
      try {
        return await stateOutput(await ports.bus.call(service, operation, input, context))
      } catch (thrown) {
        throw sdkFailure(sdkName, thrown, context.requestId)
      }
    },
  }
}

/** Members that the service takes as text or bytes, given as values. */
function serialized(service: string, operation: string, input: unknown): unknown {
  if (!isJsonObject(input)) return input
  if (service === 'states' && operation.startsWith('Start') && input.input !== undefined)
    return { ...input, input: asText(input.input) }
  if (service === 'states' && operation === 'SendTaskSuccess' && input.output !== undefined)
    return { ...input, output: asText(input.output) }
  if (service === 'lambda' && input.Payload !== undefined)
    return { ...input, Payload: Buffer.from(asText(input.Payload)) }
  return input
}
