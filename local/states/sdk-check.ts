import type { NormalizedSchema } from '@smithy/core/schema'
import { isJsonObject, type Json } from '../../core/json.ts'
import { modelOf, type OperationModel } from '../endpoint/model.ts'
import type { Diagnostic } from './diagnostics.ts'
import { capital } from './integrations/sdk-shape.ts'
import { parseResource, SDK_SERVICES, unknownResource } from './resource.ts'
import { isExpression } from './template.ts'

/** What `aws-sdk` tasks of a definition name that the SDK does not have: operations, and members of their requests. */
export async function sdkFaults(definition: Json, path = ''): Promise<readonly Diagnostic[]> {
  const states = isJsonObject(definition) ? definition.States : undefined
  if (!isJsonObject(states)) return []
  const found: Diagnostic[] = []
  for (const [name, state] of Object.entries(states)) {
    if (!isJsonObject(state)) continue
    const at = `${path}/States/${name}`
    found.push(...(await taskFaults(state, at)))
    const branches = Array.isArray(state.Branches) ? state.Branches : []
    for (const [index, branch] of branches.entries())
      found.push(...(await sdkFaults(branch as Json, `${at}/Branches[${index}]`)))
    for (const member of ['ItemProcessor', 'Iterator'])
      found.push(...(await sdkFaults(state[member] as Json, `${at}/${member}`)))
  }
  return found
}

const fault = (message: string, location: string): Diagnostic => ({
  severity: 'ERROR',
  code: 'SCHEMA_VALIDATION_FAILED',
  message,
  location,
})

async function taskFaults(state: Record<string, unknown>, at: string): Promise<readonly Diagnostic[]> {
  const resource = typeof state.Resource === 'string' ? parseResource(state.Resource) : null
  if (resource?.kind !== 'service' || !resource.sdk) return []
  const operation = await operationOf(resource.service, resource.action)
  if (operation === undefined) return [fault(unknownResource(resource.arn), `${at}/Resource`)]
  return unknownMembers(operation.input, state.Arguments).map((member) =>
    fault(`The field '${member}' is not supported by Step Functions`, `${at}/Arguments`),
  )
}

async function operationOf(sdkName: string, action: string): Promise<OperationModel | undefined> {
  const service = SDK_SERVICES[sdkName]?.service ?? sdkName
  return (await modelOf(service))?.operations.get(capital(action))
}

/** Members that a request does not have, as far as it is written out: what an expression gives is known when it runs. */
function unknownMembers(schema: NormalizedSchema, value: unknown): readonly string[] {
  if (typeof value === 'string' && isExpression(value)) return []
  if (schema.isListSchema())
    return (Array.isArray(value) ? value : []).flatMap((item) => unknownMembers(schema.getValueSchema(), item))
  if (!isJsonObject(value)) return []
  if (schema.isMapSchema()) return Object.values(value).flatMap((item) => unknownMembers(schema.getValueSchema(), item))
  if (!schema.isStructSchema()) return []
  const members = new Map([...schema.structIterator()].map(([name, member]) => [capital(name), member]))
  return Object.entries(value).flatMap(([name, given]) => {
    const member = members.get(name)
    return member === undefined ? [name] : unknownMembers(member, given)
  })
}
