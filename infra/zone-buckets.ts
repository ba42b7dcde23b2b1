import { Duration, RemovalPolicy } from 'aws-cdk-lib'
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type CfnBucket,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import { type Names, ZONES, type Zone } from './names.ts'

/** Parts of uploads that nobody completed cost money and are seen by nobody. */
const ABANDONED_UPLOADS: LifecycleRule = {
  id: 'abandoned-uploads',
  abortIncompleteMultipartUploadAfter: Duration.days(3),
}
const expire = (id: string, days: number, prefix?: string): LifecycleRule => ({
  id,
  expiration: Duration.days(days),
  noncurrentVersionExpiration: Duration.days(7),
  ...(prefix === undefined ? {} : { prefix }),
})

/**
 * Raw is evidence and is kept; intermediate zones expire. Curated keeps current objects, as the catalog names them; runs that
 * failed the gate are never registered and are found by inventory, not by age.
 */
const LIFECYCLE: Readonly<Record<Zone, readonly LifecycleRule[]>> = {
  raw: [],
  validated: [expire('expire-validated', 30)],
  curated: [
    expire('expire-rejects', 180, 'rejects/'),
    { id: 'old-versions', noncurrentVersionExpiration: Duration.days(30) },
  ],
  quarantine: [expire('expire-quarantine', 365)],
  'dq-results': [expire('expire-dq-results', 365)],
  work: [expire('expire-plans', 90, 'plans/'), expire('expire-runs', 90, 'runs/')],
  replay: [{ id: 'old-versions', noncurrentVersionExpiration: Duration.days(365) }],
}

/** One bucket a zone: SSE-KMS, TLS only, public access blocked, versioned, owner enforced, access logged. */
export class ZoneBuckets extends Construct {
  readonly #buckets: ReadonlyMap<Zone, IBucket>

  constructor(
    scope: Construct,
    id: string,
    props: { readonly names: Names; readonly key: IKey; readonly accessLogs: IBucket },
  ) {
    super(scope, id)
    this.#buckets = new Map(ZONES.map((zone) => [zone, this.#bucket(zone, props)]))
  }

  of(zone: Zone): IBucket {
    const bucket = this.#buckets.get(zone)
    if (bucket === undefined) throw new RangeError(`There is no zone ${zone}`)
    return bucket
  }

  #bucket(zone: Zone, { names, key, accessLogs }: { names: Names; key: IKey; accessLogs: IBucket }): Bucket {
    const bucket = new Bucket(this, zone, {
      bucketName: names.bucket(zone),
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      bucketKeyEnabled: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      serverAccessLogsBucket: accessLogs,
      serverAccessLogsPrefix: `${zone}/`,
      lifecycleRules: [ABANDONED_UPLOADS, ...LIFECYCLE[zone]],
    })
    if (zone === 'raw' || zone === 'replay') tellEvents(bucket)
    if (zone === 'raw') makeEvidence(bucket)
    return bucket
  }
}

/** By the L1 property, as the L2 one brings a function of its own. */
function tellEvents(bucket: Bucket): void {
  const resource = bucket.node.defaultChild as CfnBucket
  resource.notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } }
}

/** Nobody removes what landed. */
function makeEvidence(bucket: Bucket): void {
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'NobodyDeletesEvidence',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      actions: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      resources: [bucket.arnForObjects('*')],
    }),
  )
}
