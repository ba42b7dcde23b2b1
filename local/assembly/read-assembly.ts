/** The cloud assembly as the resources that the runtime brings up. */
import { type DefaultEnvironment, readCloudAssembly } from './cloud-assembly.ts'
import { functionPoliciesOf, functionsOf, stateMachinesOf } from './compute.ts'
import { databasesOf, glueOf, warehouseOf } from './engines.ts'
import { busPoliciesOf, eventBusesOf, rulesOf, schedulesOf } from './event-rules.ts'
import { rolesOf } from './identities.ts'
import type { LocalAttributes, VersionNumbers } from './identity.ts'
import type { Assembly } from './model.ts'
import { propertiesOf } from './properties.ts'
import { type ResolvedResource, resolveStacks } from './resolve-stacks.ts'
import { bucketsOf, keysOf, queuesOf, secretsOf, storagePoliciesOf, topicsOf } from './storage.ts'

export interface ReadOptions {
  readonly numbers: VersionNumbers
  readonly local: LocalAttributes
  /** Where the assembly is environment-agnostic. @default us-east-2, account 000000000000 */
  readonly defaults?: DefaultEnvironment
}

const LAPTOP: DefaultEnvironment = { accountId: '000000000000', region: 'us-east-2' }

/** All versions are number 1: for reading an assembly without a state folder. */
export const FIRST_VERSIONS: VersionNumbers = { numberOf: () => '1' }

/**
 * Reads `cdk.out` and resolves every reference of every stack.
 * @throws SluiceError `assembly_missing`, `assembly_invalid`, `unsupported_resource_type`, `unsupported_runtime`
 */
export async function readAssembly(directory: string, options: ReadOptions): Promise<Assembly> {
  const assembly = await readCloudAssembly(directory, options.defaults ?? LAPTOP)
  const { resources, outputs } = resolveStacks(assembly, options.numbers, options.local)
  const byType = (type: string): readonly ResolvedResource[] => resources.filter((resource) => resource.type === type)
  return {
    digest: assembly.digest,
    directory: assembly.directory,
    region: assembly.region,
    accountId: assembly.accountId,
    stackNames: assembly.stacks.map((stack) => stack.name),
    buckets: bucketsOf(byType),
    keys: keysOf(byType),
    roles: rolesOf(byType),
    resourcePolicies: [...storagePoliciesOf(byType), ...functionPoliciesOf(byType), ...busPoliciesOf(byType)],
    functions: functionsOf(byType, assembly.assets),
    stateMachines: stateMachinesOf(byType, assembly.assets),
    eventBuses: eventBusesOf(byType),
    rules: rulesOf(byType),
    schedules: schedulesOf(byType),
    queues: queuesOf(byType),
    topics: topicsOf(byType),
    secrets: secretsOf(byType),
    parameters: byType('AWS::SSM::Parameter').map((resource) => ({
      name: resource.ref,
      value: propertiesOf(resource).text('Value'),
      type: propertiesOf(resource).text('Type') === 'StringList' ? 'StringList' : 'String',
    })),
    glue: glueOf(byType, assembly.region, assembly.accountId),
    warehouse: warehouseOf(byType),
    databases: databasesOf(byType),
    logGroups: byType('AWS::Logs::LogGroup').map((resource) => ({
      name: resource.ref,
      arn: String(resource.attribute('Arn')),
      retentionDays: propertiesOf(resource).optionalCount('RetentionInDays'),
    })),
    assets: assembly.assets.filter((asset) => !asset.path.endsWith('.template.json')),
    outputs,
  }
}
