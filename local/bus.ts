/** Calls between services and from the endpoint: permissions first, then the operation. */

import { type Authorizer, accessDenied } from './iam/authorizer.ts'
import { AwsError, type Service, type ServiceBus } from './service.ts'

/**
 * A bus over the services of one runtime.
 * @throws Error when two services have one id
 */
export function createServiceBus(options: {
  readonly services: readonly Service[]
  readonly authorizer: Authorizer
}): ServiceBus {
  const services = new Map(options.services.map((service) => [service.id, service]))
  if (services.size !== options.services.length) throw new Error('Cannot run two services with one id')
  const { authorizer } = options
  return {
    call: async (serviceId, operationName, input, context) => {
      const service = services.get(serviceId)
      if (service === undefined) throw notImplemented(`the service "${serviceId}" is not part of the local runtime`)
      const operation = Object.hasOwn(service.operations, operationName) ? service.operations[operationName] : undefined
      if (operation === undefined) throw notImplemented(`${serviceId}:${operationName} is not implemented locally`)
      for (const permission of await operation.permissions(input)) {
        const denial = await authorizer.denial(context.caller, permission)
        if (denial !== null) throw accessDenied(serviceId, denial)
      }
      return operation.run(input, context)
    },
    authorize: async (caller, permission) => {
      const denial = await authorizer.denial(caller, permission)
      if (denial !== null) throw accessDenied(permission.action.split(':', 1)[0] ?? '', denial)
    },
  }
}

const notImplemented = (what: string): AwsError => new AwsError('NotImplemented', `Cannot answer: ${what}`, 501)
