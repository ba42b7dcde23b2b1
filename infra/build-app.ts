import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { readCatalogue } from './catalogue.ts'
import { FoundationStack } from './foundation-stack.ts'
import { MetadataStack } from './metadata-stack.ts'
import { namesOf } from './names.ts'
import { readSettings } from './settings.ts'
import { WarehouseStack } from './warehouse-stack.ts'
import { WorkflowStack } from './workflow-stack.ts'

/** The behaviour of the CDK that this app was written for, and findings of the template's own checks as errors. */
const CONTEXT = {
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:checkSecretUsage': true,
  '@aws-cdk/aws-iam:minimizePolicies': false,
  '@aws-cdk/aws-ec2:restrictDefaultSecurityGroup': false,
  '@aws-cdk/aws-lambda:recognizeLayerVersion': true,
  '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy': true,
  '@aws-cdk/core:enablePartitionLiterals': true,
}

export interface AppOptions {
  /** Absolute folder of the repository. */
  readonly root: string
  /** Where the cloud assembly is written. */
  readonly outputFolder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Settings by name, see settings.ts; they win over the environment. */
  readonly context?: Readonly<Record<string, unknown>>
}

/** The app of four stacks, checked by cdk-nag when it is synthesized. @throws SluiceError */
export async function buildApp({ root, outputFolder, environment, context = {} }: AppOptions): Promise<App> {
  const app = new App({ outdir: outputFolder, context: { ...CONTEXT, ...context }, analyticsReporting: false })
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }))
  const settings = readSettings({ context: (name) => app.node.tryGetContext(name), environment, root })
  const names = namesOf(settings)
  const catalogue = await readCatalogue(settings)
  const env = { account: settings.account, region: settings.region }
  const foundation = new FoundationStack(app, 'SluiceFoundation', { env, names, settings })
  const metadata = new MetadataStack(app, 'SluiceMetadata', { env, foundation })
  const warehouse = new WarehouseStack(app, 'SluiceWarehouse', { env, names, foundation })
  new WorkflowStack(app, 'SluiceWorkflow', { env, names, settings, catalogue, foundation, metadata, warehouse })
  return app
}
