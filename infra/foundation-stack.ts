import { Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import { FlowLogDestination, GatewayVpcEndpointAwsService, IpAddresses, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2'
import { EventBus } from 'aws-cdk-lib/aws-events'
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucketPolicy, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import type { Construct } from 'constructs'
import { EVENT_BUS, type Names, ZONES } from './names.ts'
import type { Settings } from './settings.ts'
import { WILDCARD_REASONS, type WildcardReason } from './wildcard-reason.ts'
import { ZoneBuckets } from './zone-buckets.ts'

export interface FoundationProps extends StackProps {
  readonly names: Names
  readonly settings: Settings
}

/** What everything else stands on: zones, key, event bus, and the network of the databases. */
export class FoundationStack extends Stack {
  readonly key: Key
  readonly zones: ZoneBuckets
  readonly bus: EventBus
  readonly vpc: Vpc

  constructor(scope: Construct, id: string, props: FoundationProps) {
    super(scope, id, props)
    const { names, settings } = props
    this.key = this.#key(settings)
    const accessLogs = this.#accessLogs(settings)
    this.zones = new ZoneBuckets(this, 'Zones', { names, key: this.key, accessLogs })
    justifyLogDelivery(accessLogs)
    this.bus = new EventBus(this, 'Bus', {
      eventBusName: EVENT_BUS,
      description: 'What became of jobs, for downstream pipelines',
    })
    this.vpc = this.#network(settings)
  }

  #key({ account, region }: Settings): Key {
    const key = new Key(this, 'Key', {
      alias: 'sluice',
      description: 'Objects, databases and logs of Sluice',
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    key.grantEncryptDecrypt(
      new ServicePrincipal(`logs.${region}.amazonaws.com`, {
        conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${region}:${account}:*` } },
      }),
    )
    return key
  }

  /** No zone: its name holds no zone's word, and log delivery can write to no bucket with a KMS key of ours. */
  #accessLogs({ account, region }: Settings): Bucket {
    const bucket = new Bucket(this, 'AccessLogs', {
      bucketName: `sluice-access-logs-${account}-${region}`,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        { id: 'expire-access-logs', expiration: Duration.days(365), noncurrentVersionExpiration: Duration.days(7) },
      ],
    })
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'It receives the access logs of the zones; logging its own access would feed itself.',
    })
    return bucket
  }

  /** Isolated: databases and the one function that talks to them; no way in from outside, no way out but to S3. */
  #network({ region }: Settings): Vpc {
    const vpc = new Vpc(this, 'Network', {
      ipAddresses: IpAddresses.cidr('10.20.0.0/20'),
      availabilityZones: ['a', 'b', 'c'].map((zone) => `${region}${zone}`),
      natGateways: 0,
      restrictDefaultSecurityGroup: false,
      subnetConfiguration: [{ name: 'data', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 }],
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
    })
    vpc.addFlowLog('Flows', {
      destination: FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'NetworkFlows', {
          logGroupName: '/sluice/network-flows',
          retention: RetentionDays.ONE_MONTH,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      ),
    })
    return vpc
  }
}

/** The statements that let S3 deliver access logs, one a zone, are written by the buckets that are logged. */
function justifyLogDelivery(accessLogs: Bucket): void {
  const policy = accessLogs.policy?.node.defaultChild
  if (!(policy instanceof CfnBucketPolicy)) return
  const reason: WildcardReason = {
    wildcards: ZONES.map((zone) => accessLogs.arnForObjects(`${zone}/*`)),
    actions: ['s3:PutObject'],
    reason: 'S3 names the log objects itself, below the prefix of the zone, from that zone’s bucket alone.',
  }
  policy.addMetadata(WILDCARD_REASONS, [reason])
}
