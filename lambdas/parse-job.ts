import { parseDatasetName, parseJobId, parseTenantId } from '../core/identifiers.ts'
import type { LandedSource } from '../core/source.ts'
import type { Fields } from './input.ts'
import type { PinnedConfiguration, PinnedDocument, RegisteredJob } from './messages.ts'
import { parseWaivers } from './waivers.ts'

/** @throws SluiceError `invalid_input` and those of the identifiers */
export const parseRegisteredJob = (job: Fields): RegisteredJob => ({
  jobId: parseJobId(job.text('jobId')),
  tenantId: parseTenantId(job.text('tenantId')),
  dataset: parseDatasetName(job.text('dataset')),
  attempt: job.integer('attempt'),
  attemptKind: job.text('attemptKind'),
  registeredAt: job.time('registeredAt'),
  firstRegisteredAt: job.time(job.has('firstRegisteredAt') ? 'firstRegisteredAt' : 'registeredAt'),
  ingestDate: job.text('ingestDate'),
  idempotencyKey: job.text('idempotencyKey'),
  replayId: job.textOrNull('replayId'),
  waivers: parseWaivers(job.objectOrNull('waivers')),
  publication: job.integer('publication'),
})

/** @throws SluiceError `invalid_input` */
export const parseLandedSource = (source: Fields): LandedSource => ({
  bucket: source.text('bucket'),
  key: source.text('key'),
  versionId: source.text('versionId'),
  sizeBytes: source.integer('sizeBytes'),
  etag: source.text('etag'),
  sequencer: source.text('sequencer'),
  landedAt: source.time('landedAt'),
})

const parsePinned = (document: Fields): PinnedDocument => ({
  key: document.text('key'),
  hash: document.text('hash'),
  version: document.integer('version'),
})

/** @throws SluiceError `invalid_input` */
export const parseConfiguration = (configuration: Fields): PinnedConfiguration => ({
  hash: configuration.text('hash'),
  contract: parsePinned(configuration.object('contract')),
  mapping: parsePinned(configuration.object('mapping')),
  ruleset: parsePinned(configuration.object('ruleset')),
  compilerVersion: configuration.text('compilerVersion'),
})
