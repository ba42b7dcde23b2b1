import type { Settings } from './settings.ts'

/** The zones of the design, one bucket each. */
export const ZONES = ['raw', 'validated', 'curated', 'quarantine', 'dq-results', 'work', 'replay'] as const
export type Zone = (typeof ZONES)[number]

export const FUNCTIONS = ['validate', 'quarantine', 'metadata'] as const
export type FunctionName = (typeof FUNCTIONS)[number]

export const MACHINES = ['ingest', 'intake', 'deploy', 'sweep', 'replay'] as const
export type MachineName = (typeof MACHINES)[number]

export const JOBS = ['transform-small', 'transform-large', 'quality'] as const
export type JobName = (typeof JOBS)[number]

export const CATALOG_DATABASE = 'curated'
export const EVENT_BUS = 'sluice'
export const WAREHOUSE = 'sluice'
export const DATABASE_NAME = 'sluice'
export const DATABASE_USER = 'sluice_app'
export const DATABASE_ADMIN = 'sluice_root'
/** Not Postgres' own port, which scanners try first. */
export const DATABASE_PORT = 5433
/** Definitions in force: `asl/{name}/v{n}.asl.json`. */
export const DEFINITION_VERSIONS: Readonly<Record<MachineName, number>> = {
  ingest: 1,
  intake: 1,
  deploy: 1,
  sweep: 1,
  replay: 1,
}

/** Names and ARNs that are known before anything is deployed, so that policies name exactly what they mean. */
export interface Names {
  bucket(zone: Zone): string
  /** ARN of the objects under a prefix of a zone; the prefix ends in `/` or is empty. */
  objects(zone: Zone, prefix?: string): string
  bucketArn(zone: Zone): string
  functionArn(name: FunctionName): string
  machineArn(name: MachineName): string
  jobArn(name: JobName): string
  /** Of the role `sluice-{name}`. */
  roleName(name: string): string
  arn(service: string, resource: string): string
}

export function namesOf({ account, region }: Pick<Settings, 'account' | 'region'>): Names {
  const arn = (service: string, resource: string): string => `arn:aws:${service}:${region}:${account}:${resource}`
  const bucket = (zone: Zone): string => `sluice-${zone}-${account}-${region}`
  return {
    arn,
    bucket,
    bucketArn: (zone) => `arn:aws:s3:::${bucket(zone)}`,
    objects: (zone, prefix = '') => `arn:aws:s3:::${bucket(zone)}/${prefix}*`,
    functionArn: (name) => arn('lambda', `function:${name}`),
    machineArn: (name) => arn('states', `stateMachine:${name}`),
    jobArn: (name) => arn('glue', `job/${name}`),
    roleName: (name) => `sluice-${name}`,
  }
}
