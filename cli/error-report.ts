import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3'
import { literal } from '../dqdl/sql.ts'
import { type Duckdb, openDuckdb } from '../glue/duckdb.ts'
import type { JobDocument } from './job-document.ts'

/** A cell that a spreadsheet would take for a formula gets an apostrophe before it, as in the report in the quarantine zone. */
const neutralised = (sql: string): string =>
  `CASE WHEN regexp_matches(${sql}, '^[=+\\-@\\t\\r\\n\\x{FF1D}\\x{FF0B}\\x{FF0D}\\x{FF20}]') THEN '''' || ${sql} ELSE ${sql} END`

const CELLS = ['code', 'column', 'value', 'message'] as const

/** One row an error, in the order of the source. */
const reportOf = (files: readonly string[]): string => {
  const cells = CELLS.map((name) => `${neutralised(`json_extract_string(error, '$.${name}')`)} AS "${name}"`)
  return `SELECT record_number, ${cells.join(', ')}, ${neutralised('raw')} AS raw
    FROM (SELECT record_number, raw, unnest(json_extract(errors::JSON, '$[*]')) AS error FROM read_parquet([${files.map(literal).join(', ')}]))
    ORDER BY record_number`
}

const prefixOf = (uri: string): { Bucket: string; Prefix: string } | null => {
  const [, Bucket, Prefix] = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri) ?? []
  return Bucket === undefined || Prefix === undefined ? null : { Bucket, Prefix }
}

async function download(s3: S3Client, uri: string, folder: string): Promise<readonly string[]> {
  const place = prefixOf(uri)
  if (place === null) return []
  const files: string[] = []
  let ContinuationToken: string | undefined
  do {
    const page = await s3.send(new ListObjectsV2Command({ ...place, ContinuationToken }))
    for (const { Key = '' } of page.Contents ?? []) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: place.Bucket, Key }))
      if (Body === undefined) continue
      const file = join(folder, `rejects-${files.length}.parquet`)
      const body: AsyncIterable<Uint8Array> = Body.transformToWebStream()
      await pipeline(body, createWriteStream(file))
      files.push(file)
    }
    ContinuationToken = page.NextContinuationToken
  } while (ContinuationToken !== undefined)
  return files
}

async function writeCsv(engine: Duckdb, files: readonly string[], to: string): Promise<number> {
  await engine.run(`CREATE TABLE report AS ${reportOf(files)}`)
  await engine.run(`COPY report TO ${literal(to)} (FORMAT csv, HEADER)`)
  const [row] = await engine.rows('SELECT count(*) AS rows FROM report')
  return Number(row?.rows ?? 0)
}

/**
 * Writes every error of every rejected row of a job's last run as CSV, from the rejects that the run kept.
 * @returns how many errors; `null` when the job has no rejects, or they have expired
 */
export async function writeErrorReport(s3: S3Client, job: JobDocument, to: string): Promise<number | null> {
  const uri = job.objects.rejects ?? null
  if (uri === null) return null
  const folder = await mkdtemp(join(tmpdir(), 'sluice-errors-'))
  try {
    const files = await download(s3, uri, folder)
    if (files.length === 0) return null
    const engine = await openDuckdb({ threads: 2, memoryLimitBytes: 512 * 1024 ** 2, tempDirectory: folder })
    try {
      return await writeCsv(engine, files, to)
    } finally {
      engine.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
