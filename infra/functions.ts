import { join } from 'node:path'
import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { type ISecurityGroup, type IVpc, SubnetType } from 'aws-cdk-lib/aws-ec2'
import { type Policy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Architecture, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda'
import { type BundlingOptions, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { type Grant, grant } from './grants.ts'
import type { FunctionName, Names } from './names.ts'
import type { Settings } from './settings.ts'

export interface SluiceFunctionProps {
  readonly settings: Settings
  readonly names: Names
  readonly name: FunctionName
  readonly description: string
  readonly environment: Readonly<Record<string, string>>
  readonly grants: readonly Grant[]
  readonly timeoutSeconds: number
  readonly memoryMb: number
  /** Bounds what the function can ask of others at once: connections of the database, requests to S3. */
  readonly reservedConcurrency: number
  /** Files and folders copied beside the bundle, by their name there. */
  readonly files?: Readonly<Record<string, string>>
  readonly network?: { readonly vpc: IVpc; readonly securityGroup: ISecurityGroup }
}

/** CommonJS packages inside an ES module bundle ask for `require`. */
const REQUIRE = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

const OWN_LOGS_AND_TRACES = (names: Names, name: FunctionName): readonly Grant[] => [
  {
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [names.arn('logs', `log-group:/aws/lambda/${name}:*`)],
    wildcardReason: 'The streams of the function’s own log group.',
  },
  {
    actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
    resources: ['*'],
    wildcardReason: 'X-Ray has no resource-level permissions.',
  },
]

const NETWORK_INTERFACES: Grant = {
  actions: [
    'ec2:CreateNetworkInterface',
    'ec2:DescribeNetworkInterfaces',
    'ec2:DescribeSubnets',
    'ec2:DeleteNetworkInterface',
    'ec2:AssignPrivateIpAddresses',
    'ec2:UnassignPrivateIpAddresses',
  ],
  resources: ['*'],
  wildcardReason: 'Lambda makes the function’s network interfaces with its role, before any of them has a name.',
}

/** One of the three functions: bundled as an ES module, a role of its own, published as a version that stays. */
export class SluiceFunction extends Construct {
  readonly lambda: NodejsFunction
  /** ARN of the version of this very code, environment and configuration. */
  readonly versionArn: string

  constructor(scope: Construct, id: string, props: SluiceFunctionProps) {
    super(scope, id)
    const { name, settings } = props
    const { role, policy } = this.#role(props)
    this.lambda = new NodejsFunction(this, 'Function', {
      functionName: name,
      description: props.description,
      entry: join(settings.root, 'lambdas', name, 'index.ts'),
      projectRoot: settings.root,
      depsLockFilePath: join(settings.root, 'package-lock.json'),
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      // What the CDK would add to the role stands in the policy already, with its reasons.
      role: role.withoutPolicyUpdates(),
      logGroup: this.#logGroup(name),
      tracing: Tracing.ACTIVE,
      timeout: Duration.seconds(props.timeoutSeconds),
      memorySize: props.memoryMb,
      reservedConcurrentExecutions: props.reservedConcurrency,
      environment: { ...props.environment },
      awsSdkConnectionReuse: false,
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
      bundling: bundlingOf(props),
      ...networkOf(props),
    })
    this.lambda.node.addDependency(policy)
    this.versionArn = this.lambda.currentVersion.functionArn
  }

  #role({ names, name, grants, network }: SluiceFunctionProps): { role: Role; policy: Policy } {
    const role = new Role(this, 'Role', {
      roleName: names.roleName(name),
      description: `Function ${name}`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    })
    const own = OWN_LOGS_AND_TRACES(names, name)
    const interfaces = network === undefined ? [] : [NETWORK_INTERFACES]
    return { role, policy: grant(role, 'Policy', [...own, ...interfaces, ...grants]) }
  }

  #logGroup(name: FunctionName): LogGroup {
    return new LogGroup(this, 'Logs', {
      logGroupName: `/aws/lambda/${name}`,
      retention: RetentionDays.THREE_MONTHS,
      removalPolicy: RemovalPolicy.DESTROY,
    })
  }
}

const bundlingOf = ({ files = {} }: SluiceFunctionProps): BundlingOptions => ({
  format: OutputFormat.ESM,
  target: 'node20',
  minify: true,
  keepNames: true,
  externalModules: [],
  banner: REQUIRE,
  forceDockerBundling: false,
  commandHooks: {
    beforeBundling: () => [],
    beforeInstall: () => [],
    afterBundling: (_input, output) =>
      Object.entries(files).map(([name, path]) => `cp -R '${path}' '${join(output, name)}'`),
  },
})

const networkOf = ({ network }: SluiceFunctionProps) =>
  network === undefined
    ? {}
    : {
        vpc: network.vpc,
        vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
        securityGroups: [network.securityGroup],
      }
