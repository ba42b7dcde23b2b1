import { Readable } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import { isJsonObject, type Json } from '../../core/json.ts'
import { AwsError, type CallContext, type ServiceBus } from '../service.ts'
import { sdkFailure } from './integrations/service-errors.ts'
import type { MapRunPlan } from './log.ts'

/** The items of a distributed Map cannot be read: `States.ItemReaderFailed`. */
export class ItemReaderFailure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ItemReaderFailure'
  }
}

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
    if (source.action === 'listObjectsV2')
      return { items: await listObjects(args, limit, bus, context), source: undefined }
    const bytes = await getObject(args, bus, context)
    const items = await parseItems(bytes, isJsonObject(config) ? config : {}, bus, context)
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
    case 'MANIFEST':
      return manifestItems(parseText(bytes.toString()), bus, context)
    default:
      throw new ItemReaderFailure(`The local runtime does not read items of the type ${String(config.InputType)}`)
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

/** An S3 inventory: the rows of the files that its manifest lists. */
async function manifestItems(manifest: Json, bus: ServiceBus, context: CallContext): Promise<readonly Json[]> {
  const { files, fileSchema, destinationBucket, fileFormat } = isJsonObject(manifest) ? manifest : {}
  if (!Array.isArray(files) || typeof fileSchema !== 'string' || (fileFormat !== undefined && fileFormat !== 'CSV'))
    throw new ItemReaderFailure('The manifest must be that of an S3 inventory in CSV')
  const bucket = String(destinationBucket).replace(/^arn:aws:s3:::/, '')
  const headers = fileSchema.split(',').map((column) => column.trim())
  const items: Json[] = []
  for (const file of files) {
    const key = isJsonObject(file) ? String(file.key) : ''
    const bytes = await getObject({ Bucket: bucket, Key: key }, bus, context)
    const text = (key.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
    for (const row of parse(text, { relax_column_count: true }) as string[][]) items.push(rowItem(headers, row))
  }
  return items
}
