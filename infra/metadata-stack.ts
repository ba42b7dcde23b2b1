import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import {
  InterfaceVpcEndpoint,
  InterfaceVpcEndpointAwsService,
  Port,
  SecurityGroup,
  SubnetType,
} from 'aws-cdk-lib/aws-ec2'
import {
  AuroraPostgresEngineVersion,
  type CfnDBCluster,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
} from 'aws-cdk-lib/aws-rds'
import type { Construct } from 'constructs'
import type { FoundationStack } from './foundation-stack.ts'
import { DATABASE_ADMIN, DATABASE_NAME, DATABASE_PORT, DATABASE_USER } from './names.ts'

export interface MetadataProps extends StackProps {
  readonly foundation: FoundationStack
}

/** Postgres for jobs, tenants and mappings: Aurora Serverless v2, IAM authentication, encrypted, TLS only. */
export class MetadataStack extends Stack {
  readonly cluster: DatabaseCluster
  /** Of the one function that may talk to the database. */
  readonly clientSecurityGroup: SecurityGroup
  readonly adminSecretArn: string

  constructor(scope: Construct, id: string, props: MetadataProps) {
    super(scope, id, props)
    const { vpc } = props.foundation
    this.clientSecurityGroup = this.#group('Client', 'The metadata function', props)
    const databaseGroup = this.#group('Database', 'The metadata database', props)
    databaseGroup.addIngressRule(this.clientSecurityGroup, Port.tcp(DATABASE_PORT), 'The metadata function')
    this.clientSecurityGroup.addEgressRule(databaseGroup, Port.tcp(DATABASE_PORT), 'The metadata database')
    const endpointGroup = this.#group('Endpoints', 'Interface endpoints', props)
    endpointGroup.addIngressRule(this.clientSecurityGroup, Port.tcp(443), 'The metadata function')
    this.clientSecurityGroup.connections.allowToAnyIpv4(Port.tcp(443), 'S3 by its gateway endpoint, secrets by theirs')
    new InterfaceVpcEndpoint(this, 'Secrets', {
      vpc,
      service: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
      subnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [endpointGroup],
      open: false,
    })
    this.cluster = this.#cluster(props, databaseGroup)
    const resource = this.cluster.node.defaultChild as CfnDBCluster
    this.adminSecretArn = resource.attrMasterUserSecretSecretArn
  }

  /** The database user that the metadata function's token is for. */
  connectArn(account: string, region: string): string {
    return `arn:aws:rds-db:${region}:${account}:dbuser:${this.cluster.clusterResourceIdentifier}/${DATABASE_USER}`
  }

  #group(id: string, description: string, { foundation }: MetadataProps): SecurityGroup {
    return new SecurityGroup(this, id, { vpc: foundation.vpc, description, allowAllOutbound: false })
  }

  #cluster({ foundation }: MetadataProps, group: SecurityGroup): DatabaseCluster {
    const cluster = new DatabaseCluster(this, 'Metadata', {
      engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_5 }),
      writer: ClusterInstance.serverlessV2('writer', { publiclyAccessible: false }),
      readers: [ClusterInstance.serverlessV2('standby', { scaleWithWriter: true, publiclyAccessible: false })],
      serverlessV2MinCapacity: 0.5,
      serverlessV2MaxCapacity: 8,
      vpc: foundation.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [group],
      port: DATABASE_PORT,
      defaultDatabaseName: DATABASE_NAME,
      credentials: Credentials.fromUsername(DATABASE_ADMIN),
      manageMasterUserPassword: true,
      iamAuthentication: true,
      storageEncrypted: true,
      storageEncryptionKey: foundation.key,
      parameters: { 'rds.force_ssl': '1' },
      backup: { retention: Duration.days(14) },
      cloudwatchLogsExports: ['postgresql'],
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    Validations.of(cluster).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason: 'RDS keeps the administrator’s password in a secret of its own and rotates it every seven days.',
    })
    return cluster
  }
}
