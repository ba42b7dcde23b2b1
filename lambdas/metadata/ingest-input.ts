import { digestOfJson } from '../../core/digest.ts'
import { type DatasetName, NAME_PATTERN, parseJobId, type TenantId } from '../../core/identifiers.ts'
import { parseLandingKey, type SourceVersion } from '../../core/source.ts'
import { Fields } from '../input.ts'
import type { IngestInput, PlannedConfiguration, ReplayOrder } from '../messages.ts'
import { parseLandedSource } from '../parse-job.ts'

/** Longest key in bytes that S3 takes. */
const MAX_KEY_BYTES = 1024

const plannedConfigurationOf = (pinned: Fields | null): PlannedConfiguration | null =>
  pinned === null
    ? null
    : {
        contractHash: pinned.text('contractHash'),
        contractVersion: pinned.integer('contractVersion'),
        mappingHash: pinned.text('mappingHash'),
        rulesetHash: pinned.text('rulesetHash'),
      }

function replayOrderOf(input: Fields): ReplayOrder | null {
  const order = input.objectOrNull('replay')
  if (order === null) return null
  return {
    replayId: order.text('replayId'),
    requestedBy: order.textOrNull('requestedBy') ?? 'unknown',
    reason: order.textOrNull('reason') ?? '',
    configuration: order.oneOf('configuration', ['original', 'current']),
    force: order.flag('force', false),
    acceptRejects: order.flag('acceptRejects', false),
    overrideGate: order.has('overrideGate') ? order.texts('overrideGate') : [],
    jobId: order.has('jobId') ? parseJobId(order.text('jobId')) : null,
    pinned: plannedConfigurationOf(order.objectOrNull('pinned')),
    plannedAt: order.has('plannedAt') ? order.time('plannedAt') : null,
  }
}

/**
 * Reads the input of the ingest machine.
 * @throws SluiceError `invalid_input` that names the member which is missing or of another kind
 */
export function parseIngestInput(value: unknown): IngestInput {
  const input = new Fields(value, '$.input')
  const source = parseLandedSource(input.object('source'))
  const trigger = input.oneOf('trigger', ['event', 'manual', 'sweep', 'replay'])
  const sourceType = input.oneOf('sourceType', ['s3'])
  return { source, sourceType, trigger, replay: replayOrderOf(input) }
}

/** Whose the source is, as far as the key says. `readable: false`: the key has not the form of landing keys. */
export interface SourceOwner {
  readonly tenantId: TenantId
  readonly dataset: DatasetName
  readonly readable: boolean
}

/** Stands for a tenant or dataset that the key does not name. No tenant may have this id. */
export const UNKNOWN_NAME = 'unknown'

/** Reads tenant and dataset from the key and from nowhere else. */
export function ownerOf(key: string): SourceOwner {
  const landing = Buffer.byteLength(key) <= MAX_KEY_BYTES ? parseLandingKey(key) : null
  if (landing !== null) return { tenantId: landing.tenantId, dataset: landing.dataset, readable: true }
  const [, tenant = '', dataset = ''] = /^landing\/([^/]+)(?:\/([^/]+))?/.exec(key) ?? []
  const nameOr = (text: string): string => (NAME_PATTERN.test(text) ? text : UNKNOWN_NAME)
  return { tenantId: nameOr(tenant) as TenantId, dataset: nameOr(dataset) as DatasetName, readable: false }
}

/** The stable identity of an object version: never its ETag, which is no checksum for multipart uploads. */
export const sourceObjectIdOf = ({ bucket, key, versionId }: SourceVersion): string =>
  `s${digestOfJson({ bucket, key, versionId }).slice(0, 32)}`
