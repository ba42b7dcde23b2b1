import type { LambdaClient } from '@aws-sdk/client-lambda'
import { isJsonObject } from '../core/json.ts'
import { invokeMetadata } from './deployment.ts'
import { CommandError, EXIT } from './output.ts'

/** One time that a source was quarantined, as the metadata function tells it. */
export interface RecordDocument {
  readonly jobId: string
  readonly attempt: number
  readonly tenantId: string
  readonly dataset: string
  readonly state: string
  readonly stage: string
  readonly reasonCode: string
  readonly message: string | null
  readonly openedAt: string
  readonly closedAt: string | null
  readonly closedBy: string | null
  readonly why: string | null
  readonly closingJobId: string | null
  readonly source: { readonly bucket: string; readonly key: string; readonly versionId: string }
}

export interface RecordFilter {
  readonly tenantId: string | null
  readonly dataset: string | null
  /** `null` for all. */
  readonly state: string | null
  readonly reasonCode: string | null
  readonly since: string | null
  readonly until: string | null
}

function parseRecord(value: unknown): RecordDocument {
  const texts = ['jobId', 'tenantId', 'dataset', 'state', 'stage', 'reasonCode', 'openedAt']
  if (isJsonObject(value) && isJsonObject(value.source) && typeof value.attempt === 'number')
    if (texts.every((name) => typeof value[name] === 'string')) return value as unknown as RecordDocument
  throw new Error(`the metadata function answered no quarantine record: ${JSON.stringify(value)?.slice(0, 200)}`)
}

/** Newest first, at most `limit` of them, and the counts of the whole filter by reason. */
export async function listRecords(lambda: LambdaClient, filter: RecordFilter, limit: number) {
  const records: RecordDocument[] = []
  let reasons: Readonly<Record<string, number>> = {}
  let token: unknown = null
  do {
    const page = Math.min(limit - records.length, 1000)
    const answer = await invokeMetadata(lambda, { operation: 'listQuarantine', ...filter, limit: page, token })
    if (!isJsonObject(answer) || !Array.isArray(answer.records))
      throw new Error('the metadata function answered no list of quarantine records')
    records.push(...answer.records.map(parseRecord))
    if (isJsonObject(answer.reasons)) reasons = countsOf(answer.reasons)
    token = answer.nextToken ?? null
  } while (token !== null && records.length < limit)
  return { records, reasons }
}

const countsOf = (counts: Record<string, unknown>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(counts).map(([reason, count]) => [reason, Number(count)]))

interface DocumentVersion {
  readonly version: number
  readonly hash: string
}
type Versions = Readonly<Record<'contract' | 'mapping' | 'ruleset', DocumentVersion>> & {
  readonly compilerVersion: string
}

/** Why a source waits, what it ran under and what it would run under now. */
export interface QuarantineDocument {
  /** The first of `records`. */
  readonly latest: RecordDocument
  /** Latest first. */
  readonly records: readonly RecordDocument[]
  readonly configuration: { readonly pinned: Versions | null; readonly current: Versions | null }
  readonly remedy: { readonly changed: readonly string[]; readonly replay: string; readonly advice: string }
}

/** @throws CommandError `unknown_job`; `not_quarantined` */
export async function showRecords(lambda: LambdaClient, jobId: string): Promise<QuarantineDocument> {
  try {
    const answer = await invokeMetadata(lambda, { operation: 'showQuarantine', jobId })
    if (isJsonObject(answer) && Array.isArray(answer.records) && isJsonObject(answer.remedy))
      if (isJsonObject(answer.configuration))
        return { ...(answer as unknown as QuarantineDocument), latest: parseRecord(answer.records[0]) }
  } catch (thrown) {
    if (thrown instanceof CommandError && thrown.code === 'invalid_state') throw notQuarantined(thrown.message)
    throw thrown
  }
  throw new Error('the metadata function answered no quarantine record')
}

const notQuarantined = (message: string): CommandError =>
  new CommandError(EXIT.wrongUse, 'not_quarantined', message, 'List what waits with: sluice quarantine list')
