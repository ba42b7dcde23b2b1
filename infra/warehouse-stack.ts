import { Stack, type StackProps, Validations } from 'aws-cdk-lib'
import { SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2'
import { CompositePrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { CfnNamespace, CfnWorkgroup } from 'aws-cdk-lib/aws-redshiftserverless'
import { Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import { ADMINISTRATOR_SECRET } from '../warehouse/analyst-session.ts'
import type { FoundationStack } from './foundation-stack.ts'
import { grant } from './grants.ts'
import { type Names, WAREHOUSE } from './names.ts'

const ADMIN = 'sluice_admin'

export interface WarehouseProps extends StackProps {
  readonly foundation: FoundationStack
  readonly names: Names
}

/** Redshift Serverless, and the role with which COPY reads what a run wrote. */
export class WarehouseStack extends Stack {
  readonly copyRoleArn: string
  readonly workgroupArn: string
  readonly adminSecretArn: string

  constructor(scope: Construct, id: string, props: WarehouseProps) {
    super(scope, id, props)
    const copyRole = this.#copyRole(props)
    const secret = this.#adminSecret(props)
    const namespace = this.#namespace(props, copyRole, secret)
    const workgroup = this.#workgroup(props, namespace)
    this.copyRoleArn = copyRole.roleArn
    this.workgroupArn = workgroup.attrWorkgroupWorkgroupArn
    this.adminSecretArn = secret.secretArn
  }

  #copyRole({ names, foundation }: WarehouseProps): Role {
    const role = new Role(this, 'CopyRole', {
      roleName: names.roleName('copy'),
      description: 'COPY reads manifests and curated files',
      assumedBy: new CompositePrincipal(
        new ServicePrincipal('redshift.amazonaws.com'),
        new ServicePrincipal('redshift-serverless.amazonaws.com'),
      ),
    })
    grant(role, 'Policy', [
      {
        actions: ['s3:GetObject'],
        resources: [names.objects('curated'), names.objects('work', 'runs/')],
        wildcardReason: 'Objects of runs are named by run; the manifest names exactly those that are read.',
      },
      // COPY must have LIST access to the bucket and GET access to the objects.
      {
        actions: ['s3:ListBucket'],
        resources: [names.bucketArn('curated'), names.bucketArn('work')],
        conditions: { StringLikeIfExists: { 's3:prefix': ['*/tenant=*', 'runs/*'] } },
      },
      { actions: ['kms:Decrypt'], resources: [foundation.key.keyArn] },
    ])
    return role
  }

  /** Of the one user who may create roles and policies; only asl/deploy/v1 uses it. A managed one has no attribute to name it by. */
  #adminSecret({ foundation }: WarehouseProps): Secret {
    const secret = new Secret(this, 'Admin', {
      secretName: ADMINISTRATOR_SECRET,
      description: 'Administrator of the warehouse, for the deploy workflow',
      encryptionKey: foundation.key,
      generateSecretString: {
        secretStringTemplate: JSON.stringify({ username: ADMIN }),
        generateStringKey: 'password',
        passwordLength: 40,
        excludePunctuation: true,
      },
    })
    Validations.of(secret).acknowledge({
      id: 'AwsSolutions-SMG4',
      reason:
        'Rotation would need a fourth function; nobody logs in with it but the deploy workflow, through the Data API.',
    })
    return secret
  }

  #namespace({ foundation }: WarehouseProps, copyRole: Role, secret: Secret): CfnNamespace {
    return new CfnNamespace(this, 'Namespace', {
      namespaceName: WAREHOUSE,
      dbName: WAREHOUSE,
      adminUsername: ADMIN,
      adminUserPassword: secret.secretValueFromJson('password').unsafeUnwrap(),
      kmsKeyId: foundation.key.keyId,
      iamRoles: [copyRole.roleArn],
      logExports: ['userlog', 'connectionlog', 'useractivitylog'],
    })
  }

  #workgroup({ foundation: { vpc } }: WarehouseProps, namespace: CfnNamespace): CfnWorkgroup {
    const group = new SecurityGroup(this, 'Workgroup', {
      vpc,
      description: 'The warehouse: nobody connects to it, statements come through the Data API',
      allowAllOutbound: false,
    })
    const workgroup = new CfnWorkgroup(this, 'Warehouse', {
      workgroupName: WAREHOUSE,
      namespaceName: namespace.namespaceName,
      baseCapacity: 8,
      publiclyAccessible: false,
      enhancedVpcRouting: false,
      subnetIds: vpc.selectSubnets({ subnetType: SubnetType.PRIVATE_ISOLATED }).subnetIds,
      securityGroupIds: [group.securityGroupId],
      configParameters: [
        { parameterKey: 'require_ssl', parameterValue: 'true' },
        { parameterKey: 'enable_user_activity_logging', parameterValue: 'true' },
      ],
    })
    workgroup.addResourceDependency(namespace)
    return workgroup
  }
}
