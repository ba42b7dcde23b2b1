/** Functions in the shape of the describing calls. */
import { createHash } from 'node:crypto'
import type { DeployedFunction } from './deployed-function.ts'

/** FunctionConfiguration of the API. */
export function describeVersion(deployed: DeployedFunction): Record<string, unknown> {
  return {
    FunctionName: deployed.name,
    FunctionArn: deployed.version === '$LATEST' ? deployed.arn : `${deployed.arn}:${deployed.version}`,
    Runtime: deployed.runtime,
    Role: deployed.roleArn,
    Handler: deployed.handler,
    CodeSha256: createHash('sha256').update(deployed.codeHash).digest('base64'),
    Description: deployed.description,
    Timeout: deployed.timeoutSeconds,
    MemorySize: deployed.memoryMegabytes,
    LastModified: deployed.deployedAt.replace('Z', '+0000'),
    Version: deployed.version,
    Environment: { Variables: deployed.environment },
    TracingConfig: { Mode: 'PassThrough' },
    RevisionId: deployed.revisionId,
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    EphemeralStorage: { Size: 512 },
  }
}

/** Output of GetFunction. */
export const describeFunction = (deployed: DeployedFunction, reservedConcurrency: number | null): unknown => ({
  Configuration: describeVersion(deployed),
  Code: { RepositoryType: 'S3', Location: `file://${deployed.codeDirectory}` },
  ...(reservedConcurrency === null ? {} : { Concurrency: { ReservedConcurrentExecutions: reservedConcurrency } }),
})
