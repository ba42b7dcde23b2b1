import type { LambdaClient } from '@aws-sdk/client-lambda'
import { isJsonObject } from '../core/json.ts'
import type { QuarantineFilter, QuarantineRecord } from '../lambdas/metadata/quarantine-list.ts'
import type { QuarantineView } from '../lambdas/metadata/show-quarantine.ts'
import { invokeMetadata } from './deployment.ts'
import { CommandError, EXIT } from './output.ts'

/** Checks the members that every record has; the function is deployed with the types it answers in. */
function parseRecord(value: unknown): QuarantineRecord {
  if (isRecord(value)) return value
  throw new Error(`the metadata function answered no quarantine record: ${JSON.stringify(value)?.slice(0, 200)}`)
}

const TEXTS = ['jobId', 'tenantId', 'dataset', 'state', 'stage', 'reasonCode', 'openedAt'] as const
const isRecord = (value: unknown): value is QuarantineRecord =>
  isJsonObject(value) &&
  isJsonObject(value.source) &&
  typeof value.attempt === 'number' &&
  TEXTS.every((name) => typeof value[name] === 'string')

/** Newest first, at most `limit` of them, and how many the whole filter has, by reason and in all. */
export async function listRecords(lambda: LambdaClient, filter: QuarantineFilter, limit: number) {
  const records: QuarantineRecord[] = []
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
  const total = Object.values(reasons).reduce((sum, count) => sum + count, 0)
  return { records, reasons, total }
}

const countsOf = (counts: Record<string, unknown>): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(counts).map(([reason, count]) => [reason, Number(count)]))

/** Why a source waits, what it ran under and what it would run under now. */
export interface ShownQuarantine extends QuarantineView {
  /** The first of `records`. */
  readonly latest: QuarantineRecord
}

const isView = (value: unknown): value is QuarantineView =>
  isJsonObject(value) && Array.isArray(value.records) && isJsonObject(value.remedy) && isJsonObject(value.configuration)

/** @throws CommandError `unknown_job`; `not_quarantined` */
export async function showRecords(lambda: LambdaClient, jobId: string): Promise<ShownQuarantine> {
  try {
    const answer = await invokeMetadata(lambda, { operation: 'showQuarantine', jobId })
    if (isView(answer)) return { ...answer, latest: parseRecord(answer.records[0]) }
  } catch (thrown) {
    if (thrown instanceof CommandError && thrown.code === 'invalid_state') throw notQuarantined(thrown.message)
    throw thrown
  }
  throw new Error('the metadata function answered no quarantine record')
}

const notQuarantined = (message: string): CommandError =>
  new CommandError(EXIT.wrongUse, 'not_quarantined', message, 'List what waits with: sluice quarantine list')
