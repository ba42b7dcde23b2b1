import type { LambdaClient } from '@aws-sdk/client-lambda'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { parse } from 'csv-parse/sync'
import { isJsonObject } from '../core/json.ts'
import type { QuarantineRecord } from '../lambdas/metadata/quarantine-list.ts'
import { isAbsent } from './absent-object.ts'
import { bucketOf } from './deployment.ts'

/** What the quarantine function wrote for a job. */
export interface Evidence {
  /** `manifest.json`; `null` when it has expired. */
  readonly manifest: unknown
  /** The head and the first errors of `errors.csv`; empty when it has expired. */
  readonly rows: readonly (readonly string[])[]
}

/** Rules that a quality gate stopped the source for. */
export interface BrokenRule {
  readonly name: string
  readonly rule: string | null
}

const FIRST_ERRORS = 20

async function readText(s3: S3Client, bucket: string, key: string): Promise<string | null> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }))
    return (await Body?.transformToString()) ?? ''
  } catch (thrown) {
    if (isAbsent(thrown)) return null
    throw thrown
  }
}

const rowsOf = (text: string): string[][] => {
  const rows: unknown = parse(text, { to: FIRST_ERRORS + 1, relax_column_count: true })
  return Array.isArray(rows) ? rows.map((row: unknown) => (Array.isArray(row) ? row.map(String) : [])) : []
}

/** Of the latest attempt that was quarantined; an earlier one's are older versions of the same objects. */
export async function readEvidence(lambda: LambdaClient, s3: S3Client, record: QuarantineRecord): Promise<Evidence> {
  const bucket = await bucketOf(lambda, 'QUARANTINE')
  const prefix = `${record.tenantId}/${record.dataset}/job=${record.jobId}/`
  const manifest = await readText(s3, bucket, `${prefix}manifest.json`)
  const report = await readText(s3, bucket, `${prefix}errors.csv`)
  return { manifest: manifest === null ? null : JSON.parse(manifest), rows: report === null ? [] : rowsOf(report) }
}

/** The rules that a quarantine manifest names. */
export function brokenRules(manifest: unknown): readonly BrokenRule[] {
  const quality = isJsonObject(manifest) && isJsonObject(manifest.quality) ? manifest.quality : {}
  const rules = Array.isArray(quality.notPassed) ? quality.notPassed : []
  return rules.flatMap((rule: unknown) =>
    isJsonObject(rule) && typeof rule.name === 'string'
      ? [{ name: rule.name, rule: typeof rule.rule === 'string' ? rule.rule : null }]
      : [],
  )
}
