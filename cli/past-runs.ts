import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import { isJsonObject } from '../core/json.ts'
import type { PastRows } from '../dqdl/backtest/backtest.ts'
import { type GlueResult, parseGlueResult } from '../dqdl/glue-result.ts'
import { literal } from '../dqdl/sql.ts'
import { isAbsent } from './absent-object.ts'

export interface PastRun {
  readonly tenantId: string
  readonly runId: string
}

/** Bucket and key of an `s3://` URI. */
const placeOf = (uri: string): { Bucket: string; Key: string } => {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? []
  return { Bucket: bucket, Key: key }
}

async function textAt(s3: S3Client, place: { Bucket: string; Key: string }): Promise<string | null> {
  try {
    const { Body } = await s3.send(new GetObjectCommand(place))
    return (await Body?.transformToString()) ?? null
  } catch (thrown) {
    if (isAbsent(thrown)) return null
    throw thrown
  }
}

/** The quality result of a job by the URI that its record names; `null` when it was not kept. */
export async function keptResult(s3: S3Client, uri: string): Promise<GlueResult | null> {
  const { Bucket, Key } = placeOf(uri)
  const text = await textAt(s3, { Bucket, Key: Key.endsWith('/') ? `${Key}result.json` : Key })
  return text === null ? null : parseGlueResult(text)
}

/** URLs of the Parquet files that a run's manifest names: nothing else in its prefix counts. */
async function curatedFiles(s3: S3Client, workBucket: string, run: PastRun): Promise<readonly string[]> {
  const text = await textAt(s3, { Bucket: workBucket, Key: `runs/${run.tenantId}/${run.runId}/manifest.json` })
  const manifest: unknown = text === null ? null : JSON.parse(text)
  if (!isJsonObject(manifest) || !Array.isArray(manifest.entries)) return []
  return manifest.entries.flatMap((entry: unknown) =>
    isJsonObject(entry) && typeof entry.url === 'string' ? [entry.url] : [],
  )
}

async function download(s3: S3Client, url: string, file: string): Promise<boolean> {
  try {
    const { Body } = await s3.send(new GetObjectCommand(placeOf(url)))
    if (!(Body instanceof Readable)) return false
    await pipeline(Body, createWriteStream(file))
    return true
  } catch (thrown) {
    if (isAbsent(thrown)) return false
    throw thrown
  }
}

/** Brings a run's curated rows into a folder until they are released; `null` when any of the files is gone. */
export async function curatedRows(
  s3: S3Client,
  workBucket: string,
  run: PastRun,
  folder: string,
): Promise<PastRows | null> {
  const urls = await curatedFiles(s3, workBucket, run)
  const files = urls.map((_, index) => join(folder, `${run.runId}-${index}.parquet`))
  const release = async (): Promise<void> => {
    for (const file of files) await rm(file, { force: true })
  }
  for (const [index, url] of urls.entries()) {
    if (await download(s3, url, files[index] ?? '')) continue
    await release()
    return null
  }
  return files.length === 0 ? null : { relation: `read_parquet([${files.map(literal).join(', ')}])`, release }
}
