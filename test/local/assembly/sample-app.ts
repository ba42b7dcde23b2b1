/** A small CDK app of two stacks with the kinds of references that CDK writes. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { App, aws_glue, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import * as events from 'aws-cdk-lib/aws-events'
import * as targets from 'aws-cdk-lib/aws-events-targets'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as kms from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as s3 from 'aws-cdk-lib/aws-s3'
import * as sqs from 'aws-cdk-lib/aws-sqs'
import * as sfn from 'aws-cdk-lib/aws-stepfunctions'

const GREET = `
export const handler = async (event) => ({ hello: event.name, bucket: process.env.RAW_BUCKET })
`

/** Synthesizes into `directory/cdk.out` and returns that path. @param greeting changes the function's code */
export function synthesizeSample(directory: string, greeting = 'hello'): string {
  const outdir = join(directory, 'cdk.out')
  // CDK remembers the hash of a folder it has seen.
  const code = join(directory, greeting)
  mkdirSync(code, { recursive: true })
  writeFileSync(join(code, 'index.mjs'), GREET.replace('hello', greeting))
  const app = new App({ outdir, analyticsReporting: false })
  const storage = storageStack(app)
  workflowStack(app, storage, code)
  app.synth()
  return outdir
}

function storageStack(app: App): { raw: s3.Bucket; bus: events.EventBus } {
  const stack = new Stack(app, 'Storage')
  const key = new kms.Key(stack, 'Key', { enableKeyRotation: true, alias: 'alias/zones' })
  const raw = new s3.Bucket(stack, 'Raw', {
    bucketName: `sample-raw-${stack.account}-${stack.region}`,
    versioned: true,
    encryption: s3.BucketEncryption.KMS,
    encryptionKey: key,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.RETAIN,
  })
  const declared = raw.node.defaultChild
  if (declared instanceof s3.CfnBucket) {
    declared.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } }
  }
  const bus = new events.EventBus(stack, 'Bus', { eventBusName: 'sample' })
  new aws_glue.CfnDatabase(stack, 'Curated', { catalogId: stack.account, databaseInput: { name: 'curated' } })
  return { raw, bus }
}

function workflowStack(app: App, { raw, bus }: { raw: s3.Bucket; bus: events.EventBus }, code: string): void {
  const stack = new Stack(app, 'Workflow')
  const greet = new lambda.Function(stack, 'Greet', {
    functionName: 'greet',
    runtime: lambda.Runtime.NODEJS_24_X,
    handler: 'index.handler',
    code: lambda.Code.fromAsset(code),
    environment: { RAW_BUCKET: raw.bucketName, BUS: bus.eventBusName },
    timeout: Duration.seconds(7),
    reservedConcurrentExecutions: 4,
    currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
  })
  raw.grantRead(greet, 'landing/*')
  const deadLetters = new sqs.Queue(stack, 'DeadLetters', { queueName: 'dead-letters' })
  const machine = new sfn.StateMachine(stack, 'Ingest', {
    stateMachineName: 'ingest',
    definitionBody: sfn.DefinitionBody.fromString(
      JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: 'Greet',
        States: {
          Greet: { Type: 'Task', Resource: '${Greet}', Arguments: { name: '{% $states.input.key %}' }, End: true },
        },
      }),
    ),
    definitionSubstitutions: { Greet: greet.currentVersion.functionArn },
  })
  greet.grantInvoke(machine)
  const version = new sfn.CfnStateMachineVersion(stack, 'IngestVersion', {
    stateMachineArn: machine.stateMachineArn,
    stateMachineRevisionId: machine.stateMachineRevisionId,
  })
  const alias = new sfn.CfnStateMachineAlias(stack, 'Live', {
    name: 'live',
    routingConfiguration: [{ stateMachineVersionArn: version.attrArn, weight: 100 }],
  })
  new events.Rule(stack, 'Arrived', {
    eventPattern: {
      source: ['aws.s3'],
      detailType: ['Object Created'],
      detail: { bucket: { name: [raw.bucketName] }, object: { key: [{ prefix: 'landing/' }] } },
    },
    targets: [
      new targets.SfnStateMachine(sfn.StateMachine.fromStateMachineArn(stack, 'LiveMachine', alias.attrArn), {
        input: events.RuleTargetInput.fromObject({
          bucket: events.EventField.fromPath('$.detail.bucket.name'),
          key: events.EventField.fromPath('$.detail.object.key'),
        }),
        deadLetterQueue: deadLetters,
        retryAttempts: 10,
        maxEventAge: Duration.hours(2),
      }),
    ],
  })
  new events.Rule(stack, 'Nightly', {
    schedule: events.Schedule.rate(Duration.minutes(15)),
    targets: [new targets.LambdaFunction(greet.currentVersion, { deadLetterQueue: deadLetters })],
  })
  new iam.Role(stack, 'Unused', { assumedBy: new iam.ServicePrincipal('glue.amazonaws.com') })
}
