import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { isJsonObject, type Json } from '../../core/json.ts'
import { AwsError, type CallContext, type ServiceBus } from '../service.ts'
import { sdkFailure } from './integrations/service-errors.ts'
import { ItemReaderFailure } from './item-reader-failure.ts'
import type { MapRunPlan } from './log.ts'
import { parquetItems } from './parquet-items.ts'

type ReaderSource = Extract<MapRunPlan['source'], { kind: 'reader' }>

export interface ReadItems {
  readonly items: readonly Json[]
  /** The object the items came from, for `$states.context.Map.Item.Source`. */
  readonly source: string | undefined
}

/** Reads the items that an ItemReader names. @throws ItemReaderFailure */
export async function readItems(
  source: ReaderSource,
  config: Json,
  bus: ServiceBus,
  context: CallContext,
): Promise<ReadItems> {
  const { maxItems } = source
  if (maxItems !== null && maxItems < 0) throw new ItemReaderFailure('field MaxItems must be positive')
  const limit = maxItems === null || maxItems === 0 ? Number.POSITIVE_INFINITY : maxItems
  const args = isJsonObject(source.arguments) ? source.arguments : {}
  try {
    const settings = isJsonObject(config) ? config : {}
    if (source.action === 'listObjectsV2') {
      const items =
        settings.Transformation === 'LOAD_AND_FLATTEN'
          ? await loadListed(args, settings, limit, bus, context)
          : await listObjects(args, limit, bus, context)
      return { items, source: undefined }
    }
    const bytes = await getObject(args, bus, context)
    const items = await parseItems(bytes, settings, limit, bus, context)
    return { items: items.slice(0, limit), source: `s3://${String(args.Bucket)}/${String(args.Key)}` }
  } catch (thrown) {
    if (thrown instanceof AwsError) throw new ItemReaderFailure(sdkFailure('s3', thrown, context.requestId).message)
    throw thrown
  }
}

async function listObjects(
  args: Record<string, unknown>,
  limit: number,
  bus: ServiceBus,
  context: CallContext,
): Promise<readonly Json[]> {
  const items: Json[] = []
  let token: string | undefined
  do {
    const page: unknown = await bus.call('s3', 'ListObjectsV2', { ...args, ContinuationToken: token }, context)
    const output = isJsonObject(page) ? page : {}
    for (const entry of Array.isArray(output.Contents) ? output.Contents : []) items.push(listedItem(entry))
    token = typeof output.NextContinuationToken === 'string' ? output.NextContinuationToken : undefined
  } while (token !== undefined && items.length < limit)
  return items.slice(0, limit)
}

/** The items of all objects under a prefix, one object after the other. */
async function loadListed(
  args: Record<string, unknown>,
  config: Record<string, unknown>,
  limit: number,
  bus: ServiceBus,
  context: CallContext,
): Promise<readonly Json[]> {
  const items: Json[] = []
  for (const listed of await listObjects(args, Number.POSITIVE_INFINITY, bus, context)) {
    if (items.length >= limit) break
    const { Key } = isJsonObject(listed) ? listed : {}
    const bytes = await getObject({ Bucket: args.Bucket, Key }, bus, context)
    for (const item of await parseItems(bytes, config, limit, bus, context)) items.push(item)
  }
  return items.slice(0, limit)
}

function listedItem(entry: unknown): Json {
  const { ETag, Key, LastModified, Size, StorageClass } = isJsonObject(entry) ? entry : {}
  return {
    Etag: String(ETag),
    Key: String(Key),
    LastModified: LastModified instanceof Date ? Math.floor(LastModified.getTime() / 1_000) : null,
    Size: Number(Size),
    StorageClass: String(StorageClass ?? 'STANDARD'),
  }
}

async function getObject(args: unknown, bus: ServiceBus, context: CallContext): Promise<Buffer> {
  const response: unknown = await bus.call('s3', 'GetObject', args, context)
  const body = isJsonObject(response) ? response.Body : undefined
  if (body instanceof Uint8Array) return Buffer.from(body)
  if (!(body instanceof Readable)) return Buffer.from(String(body ?? ''))
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)))
  return Buffer.concat(chunks)
}

async function parseItems(
  bytes: Buffer,
  config: Record<string, unknown>,
  limit: number,
  bus: ServiceBus,
  context: CallContext,
): Promise<readonly Json[]> {
  switch (config.InputType) {
    case 'JSON':
      return jsonItems(parseText(bytes.toString()), config.ItemsPointer)
    case 'JSONL':
      return bytes
        .toString()
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map(parseText)
    case 'CSV':
      return csvItems(bytes.toString(), config)
    case 'PARQUET':
      return parquetItems(bytes, limit)
    case 'MANIFEST':
      return config.ManifestType === 'ATHENA_DATA'
        ? athenaItems(bytes.toString(), config, limit, bus, context)
        : manifestItems(parseText(bytes.toString()), bus, context)
    default:
      throw new ItemReaderFailure(`InputType must be given, but was: ${String(config.InputType)}`)
  }
}

function parseText(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch (cause) {
    throw new ItemReaderFailure(cause instanceof Error ? cause.message : String(cause))
  }
}

function jsonItems(root: Json, pointer: unknown): readonly Json[] {
  const value = typeof pointer === 'string' ? pointed(root, pointer) : root
  if (Array.isArray(value)) return value
  throw new ItemReaderFailure('Attempting to map over non-iterable node.')
}

/** RFC 6901 */
function pointed(root: Json, pointer: string): unknown {
  let value: unknown = root
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    value = Array.isArray(value) ? value[Number(key)] : isJsonObject(value) ? value[key] : undefined
  }
  return value
}

const DELIMITERS: Readonly<Record<string, string>> = { COMMA: ',', PIPE: '|', SEMICOLON: ';', SPACE: ' ', TAB: '\t' }

function csvItems(text: string, config: Record<string, unknown>): readonly Json[] {
  const delimiter = DELIMITERS[String(config.CSVDelimiter ?? 'COMMA')]
  const rows: string[][] = parse(text, { delimiter, relax_column_count: true, skip_empty_lines: true, bom: true })
  const given = config.CSVHeaderLocation === 'GIVEN'
  const headers = given && Array.isArray(config.CSVHeaders) ? config.CSVHeaders.map(String) : (rows[0] ?? [])
  if (new Set(headers).size !== headers.length) throw new ItemReaderFailure('CSV headers cannot contain duplicates.')
  return (given ? rows : rows.slice(1)).map((row) => rowItem(headers, row))
}

const rowItem = (headers: readonly string[], row: readonly string[]): Json =>
  Object.fromEntries(headers.map((header, index) => [header, row[index] ?? '']))

/** The rows of the files that an UNLOAD of Athena lists in its manifest, one address a line. */
async function athenaItems(
  manifest: string,
  config: Record<string, unknown>,
  limit: number,
  bus: ServiceBus,
  context: CallContext,
): Promise<readonly Json[]> {
  const items: Json[] = []
  for (const line of manifest.split('\n').filter((address) => address.trim() !== '')) {
    if (items.length >= limit) break
    const [, Bucket, Key] = /^"?s3:\/\/([^/]+)\/(.*?)"?$/.exec(line.trim()) ?? []
    if (Bucket === undefined) throw new ItemReaderFailure(`The manifest holds a line that is no S3 address: ${line}`)
    const bytes = await getObject({ Bucket, Key }, bus, context)
    const format = { ...config, InputType: formatOf(String(Key)) }
    for (const item of await parseItems(gunzipped(bytes), format, limit, bus, context)) items.push(item)
  }
  return items
}

const GZIP_MAGIC = 0x1f8b
const gunzipped = (bytes: Buffer): Buffer =>
  bytes.length > 1 && bytes.readUInt16BE(0) === GZIP_MAGIC ? gunzipSync(bytes) : bytes

/** By the name of the file; UNLOAD's files without an ending are Parquet, its default. */
function formatOf(key: string): 'JSONL' | 'CSV' | 'PARQUET' {
  if (/\.(jsonl?|ndjson)(\.gz)?$/i.test(key)) return 'JSONL'
  return /\.(csv|txt)(\.gz)?$/i.test(key) ? 'CSV' : 'PARQUET'
}

const INVENTORY_FORMATS: readonly unknown[] = [undefined, 'CSV', 'Parquet']

/** An S3 inventory: the rows of the files that its manifest lists. */
async function manifestItems(manifest: Json, bus: ServiceBus, context: CallContext): Promise<readonly Json[]> {
  const { files, fileSchema, destinationBucket, fileFormat } = isJsonObject(manifest) ? manifest : {}
  if (!Array.isArray(files) || typeof fileSchema !== 'string' || !INVENTORY_FORMATS.includes(fileFormat))
    throw new ItemReaderFailure('The manifest must be that of an S3 inventory in CSV or Parquet')
  const bucket = String(destinationBucket).replace(/^arn:aws:s3:::/, '')
  const headers = fileSchema.split(',').map((column) => column.trim())
  const items: Json[] = []
  for (const file of files) {
    const key = isJsonObject(file) ? String(file.key) : ''
    const bytes = await getObject({ Bucket: bucket, Key: key }, bus, context)
    const text = gunzipped(bytes).toString()
    if (fileFormat === 'Parquet') items.push(...(await parquetItems(bytes, Number.POSITIVE_INFINITY)))
    else for (const row of parse(text, { relax_column_count: true }) as string[][]) items.push(rowItem(headers, row))
  }
  return items
}
