/** What is played with each client, by service. */
import type { Stage } from '../stage.ts'
import { playCommandLine } from './command-line.ts'
import { playLambda, playStates } from './compute.ts'
import { playGlue, playRedshift } from './data.ts'
import { playEvents } from './events.ts'
import { playSns, playSqs } from './messages.ts'
import { playIdentity, playLogs, playMonitoring, playSecrets, playSsm } from './observation.ts'
import { playS3Buckets } from './s3-buckets.ts'
import { playS3Listing } from './s3-listing.ts'
import { playS3Multipart } from './s3-multipart.ts'
import { playS3Objects } from './s3-objects.ts'
import { playS3Trust } from './s3-trust.ts'

export type Scenario = (stage: Stage) => Promise<void>

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  identity: playIdentity,
  's3-buckets': playS3Buckets,
  's3-objects': playS3Objects,
  's3-listing': playS3Listing,
  's3-multipart': playS3Multipart,
  's3-trust': playS3Trust,
  sqs: playSqs,
  sns: playSns,
  logs: playLogs,
  monitoring: playMonitoring,
  ssm: playSsm,
  secretsmanager: playSecrets,
  events: playEvents,
  lambda: playLambda,
  states: playStates,
  glue: playGlue,
  'redshift-data': playRedshift,
  'command-line': playCommandLine,
}
