import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cp, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type JsonObject, objectOf } from './json.ts'

/** What may be added to the policy of a role. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: string | readonly string[]
  readonly Resource: string | readonly string[]
}

/** Digest of an assembly's templates. */
export function stampOf(assembly: string): string {
  const stamp = createHash('sha256')
  for (const file of readdirSync(assembly)
    .filter((name) => name.endsWith('.template.json'))
    .sort())
    stamp.update(readFileSync(join(assembly, file)))
  return stamp.digest('hex').slice(0, 16)
}

/** Folders and settings of `npm run synth`. */
export interface Synthesis {
  readonly contracts: string
  readonly rules: string
  readonly context?: Readonly<Record<string, number>>
}

/** Synthesizes as `npm run synth` does, into a folder of its own. */
export function synthesize(into: string, { contracts, rules, context = {} }: Synthesis): void {
  execFileSync('npm', ['run', '--silent', 'synth'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      CDK_OUTDIR: into,
      SLUICE_CONTRACTS: contracts,
      SLUICE_RULES: rules,
      CDK_CONTEXT_JSON: JSON.stringify(context),
    },
  })
}

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()

/** Puts a finished folder in its place; of two that come there at once the first one stays. */
export async function keepFirst(fresh: string, path: string): Promise<void> {
  try {
    await rename(fresh, path)
  } catch (thrown) {
    if (!existsSync(path)) throw thrown
    await rm(fresh, { recursive: true, force: true })
  }
}

/** The datasets of test/e2e/fixtures on the app of `cdk.out`; synthesized once for each state of both. */
export async function fixturesAssembly(context: Readonly<Record<string, number>>): Promise<string> {
  const stamp = createHash('sha256').update(stampOf('cdk.out')).update(JSON.stringify(context))
  for (const file of filesUnder('test/e2e/fixtures')) stamp.update(file).update(readFileSync(file))
  const path = resolve('.cache', 'e2e', `assembly-${stamp.digest('hex').slice(0, 16)}`)
  if (existsSync(path)) return path
  const fresh = `${path}.${process.pid}`
  synthesize(fresh, { contracts: 'test/e2e/fixtures/contracts', rules: 'test/e2e/fixtures/rules', context })
  await keepFirst(fresh, path)
  return path
}

/** The template of the workflow stack, for edits that an operator could make. */
export interface WorkflowTemplate {
  readonly resources: Record<string, JsonObject>
  /** The resource whose logical id starts so and that has the type. */
  find(prefix: string, type: string): { readonly id: string; readonly properties: JsonObject }
}

/** A copy of an assembly whose workflow template was edited. */
export async function editedAssembly(
  assembly: string,
  into: string,
  edit: (template: WorkflowTemplate) => void,
): Promise<string> {
  await cp(assembly, into, { recursive: true })
  const file = join(into, 'SluiceWorkflow.template.json')
  const template = objectOf(JSON.parse(readFileSync(file, 'utf8')))
  const resources = objectOf(template.Resources) as Record<string, JsonObject>
  edit({
    resources,
    find(prefix, type) {
      const found = Object.entries(resources).find(([id, { Type }]) => id.startsWith(prefix) && Type === type)
      if (found === undefined) throw new Error(`the template has no ${type} ${prefix}`)
      return { id: found[0], properties: objectOf(found[1].Properties) }
    },
  })
  writeFileSync(file, JSON.stringify(template))
  return into
}

const copyOf = <T>(value: T): T => structuredClone(value)

/** Adds a role with the policy of a machine's role and more statements after it. */
export function addRole(
  { resources, find }: WorkflowTemplate,
  machine: string,
  name: string,
  statements: readonly Statement[],
): void {
  const role = find(`${machine}Role`, 'AWS::IAM::Role')
  const policy = find(`${machine}RolePolicy`, 'AWS::IAM::Policy')
  const id = name.replaceAll(/[^A-Za-z0-9]/g, '')
  const document = objectOf(copyOf(policy.properties.PolicyDocument))
  const own = Array.isArray(document.Statement) ? document.Statement : []
  resources[`${id}Role`] = { Type: 'AWS::IAM::Role', Properties: { ...copyOf(role.properties), RoleName: name } }
  resources[`${id}Policy`] = {
    Type: 'AWS::IAM::Policy',
    Properties: {
      PolicyName: name,
      PolicyDocument: { ...document, Statement: [...own, ...statements] },
      Roles: [{ Ref: `${id}Role` }],
    },
  }
}

/** A queue that a rule of the bus `sluice` fills with the pipeline's events, or that nothing fills. */
export function addQueue({ resources }: WorkflowTemplate, name: string, fill: 'events' | null): void {
  const id = name.replaceAll(/[^A-Za-z0-9]/g, '')
  resources[id] = { Type: 'AWS::SQS::Queue', Properties: { QueueName: name, MessageRetentionPeriod: 86400 } }
  if (fill === null) return
  resources[`${id}Policy`] = {
    Type: 'AWS::SQS::QueuePolicy',
    Properties: {
      Queues: [{ Ref: id }],
      PolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: 'events.amazonaws.com' },
            Action: 'sqs:SendMessage',
            Resource: { 'Fn::GetAtt': [id, 'Arn'] },
          },
        ],
      },
    },
  }
  resources[`${id}Rule`] = {
    Type: 'AWS::Events::Rule',
    Properties: {
      Name: name,
      EventBusName: 'sluice',
      EventPattern: { source: ['sluice'] },
      State: 'ENABLED',
      Targets: [{ Id: 'Target0', Arn: { 'Fn::GetAtt': [id, 'Arn'] } }],
    },
  }
}
