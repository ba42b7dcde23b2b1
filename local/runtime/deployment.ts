/** What `cdk deploy` and the deploy workflow do, on the laptop. */
import { messageOf, SluiceError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Assembly, StateMachineModel } from '../assembly/model.ts'
import { bucketSettingsOf } from '../s3/from-template.ts'
import { uploadAssets } from './assets.ts'
import type { RuntimeServices } from './services.ts'
import { deployStateMachine, text } from './state-machines.ts'

/** The machine that is run after every deployment. */
const DEPLOY_MACHINE = 'deploy'

/** Brings every service to what the assembly declares; objects, rows, executions and published versions stay. */
export async function provision(assembly: Assembly, services: RuntimeServices): Promise<void> {
  const { s3, secrets, sqs, sns, ssm, cloudWatchLogs, lambda, glue, events, call } = services
  await Promise.all([
    ...assembly.buckets.map((bucket) => s3.provisionBucket(bucketSettingsOf(bucket))),
    ...assetBuckets(assembly).map((name) => s3.provisionBucket({ name, versioned: true })),
    ...assembly.secrets.map((secret) => secrets.provisionSecret(secret)),
    ...assembly.queues.map((queue) => sqs.provisionQueue(queue)),
    ...assembly.parameters.map((parameter) => ssm.provisionParameter(parameter)),
    sns.deploy(assembly.topics),
    cloudWatchLogs.deploy(assembly.logGroups),
    ...assembly.functions.map((model) => lambda.deploy(model)),
    glue.deploy(assembly.glue),
  ])
  await uploadAssets(assembly.assets, assembly.functions, (operation, input) => call('s3', operation, input))
  for (const machine of assembly.stateMachines) {
    await deployStateMachine(machine, (operation, input) => call('states', operation, input))
  }
  await events.deploy(assembly.eventBuses, assembly.rules, assembly.schedules)
}

const assetBuckets = (assembly: Assembly): readonly string[] => [
  ...new Set(assembly.assets.map(({ bucketName }) => bucketName)),
]

/**
 * Runs the deploy workflow: migrations, seeds, warehouse.
 * @param name of the execution, one a deployment
 * @throws SluiceError `deployment_failed` with the execution's error
 */
export async function runDeployWorkflow(assembly: Assembly, services: RuntimeServices, name: string): Promise<void> {
  const machine = assembly.stateMachines.find((candidate) => candidate.name === DEPLOY_MACHINE)
  if (machine === undefined) return
  const executionArn = text(
    await services.call('states', 'StartExecution', { stateMachineArn: startArn(machine), name, input: '{}' }),
    'executionArn',
  )
  await services.states.whenClosed(executionArn)
  const execution = await services.call('states', 'DescribeExecution', { executionArn })
  if (isJsonObject(execution) && execution.status === 'SUCCEEDED') return
  const { status, error, cause } = isJsonObject(execution) ? execution : { status: 'unknown', error: '', cause: '' }
  throw new SluiceError(
    'deployment_failed',
    `The deployment workflow ended as ${String(status)}: ${String(error)}: ${String(cause)}`,
    {
      where: { path: executionArn },
      hint: 'sluice reset empties the state folder.',
    },
  )
}

const startArn = (machine: StateMachineModel): string => machine.aliases[0]?.arn ?? machine.arn

/** A failure of a step of the start, told with the step. */
export const startFailure = (step: string, thrown: unknown): unknown =>
  thrown instanceof SluiceError
    ? thrown
    : new SluiceError('start_failed', `Cannot start the runtime at "${step}": ${messageOf(thrown)}`, { cause: thrown })
