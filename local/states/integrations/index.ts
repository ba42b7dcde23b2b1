import type { Resource } from '../resource.ts'
import { awsSdkIntegration } from './aws-sdk.ts'
import { glueStartJobRun } from './glue.ts'
import type { Integration, IntegrationPorts } from './integration.ts'
import { functionIntegration, lambdaInvoke } from './lambda.ts'
import { putEvents, sendText } from './messages.ts'
import { startExecution } from './states.ts'

/** What the `Resource` of a Task calls. */
export function integrationOf(ports: IntegrationPorts, resource: Resource): Integration {
  if (resource.kind === 'function') return functionIntegration(ports, resource.arn)
  if (resource.sdk) return awsSdkIntegration(ports, resource.service, resource.action)
  switch (resource.service) {
    case 'lambda':
      return lambdaInvoke(ports)
    case 'glue':
      return glueStartJobRun(ports)
    case 'states':
      return startExecution(ports, resource.pattern === 'sync2')
    case 'events':
      return putEvents(ports)
    case 'sqs':
      return sendText(ports, 'sqs', 'SendMessage', 'MessageBody')
    case 'sns':
      return sendText(ports, 'sns', 'Publish', 'Message')
    default:
      throw new Error(`No integration for the resource ${resource.arn}`)
  }
}
