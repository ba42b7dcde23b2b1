import { Readable } from 'node:stream'
import { isJsonObject, type Json } from '../../core/json.ts'
import { AwsError, type CallContext, type ServiceBus } from '../service.ts'
import { sdkFailure } from './integrations/service-errors.ts'
import {
  csvItems,
  formatOf,
  gunzipped,
  headlessRows,
  jsonItems,
  jsonLines,
  parseText,
  rowItem,
} from './item-formats.ts'
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
  const reader = new BucketReader(bus, context, limit)
  try {
    return await reader.read(
      source.action,
      isJsonObject(source.arguments) ? source.arguments : {},
      isJsonObject(config) ? config : {},
    )
  } catch (thrown) {
    if (thrown instanceof AwsError) throw new ItemReaderFailure(sdkFailure('s3', thrown, context.requestId).message)
    throw thrown
  }
}

type Arguments = Readonly<Record<string, unknown>>
/** `ReaderConfig`: what the objects are. */
type Format = Readonly<Record<string, unknown>>

const INVENTORY_FORMATS: readonly unknown[] = [undefined, 'CSV', 'Parquet']

/** Reads items from objects as the caller that it was made for, not many more than the limit. */
class BucketReader {
  readonly #bus: ServiceBus
  readonly #context: CallContext
  readonly #limit: number

  constructor(bus: ServiceBus, context: CallContext, limit: number) {
    this.#bus = bus
    this.#context = context
    this.#limit = limit
  }

  async read(action: ReaderSource['action'], args: Arguments, format: Format): Promise<ReadItems> {
    if (action === 'listObjectsV2') {
      const isLoaded = format.Transformation === 'LOAD_AND_FLATTEN'
      const items = isLoaded ? await this.#loadListed(args, format) : await this.#list(args, this.#limit)
      return { items: items.slice(0, this.#limit), source: undefined }
    }
    const items = await this.#parse(await this.#get(args), format)
    return { items: items.slice(0, this.#limit), source: `s3://${String(args.Bucket)}/${String(args.Key)}` }
  }

  async #list(args: Arguments, limit: number): Promise<readonly Json[]> {
    const items: Json[] = []
    let token: string | undefined
    do {
      const input = { ...args, ContinuationToken: token }
      const page: unknown = await this.#bus.call('s3', 'ListObjectsV2', input, this.#context)
      const output = isJsonObject(page) ? page : {}
      for (const entry of Array.isArray(output.Contents) ? output.Contents : []) items.push(listedItem(entry))
      token = typeof output.NextContinuationToken === 'string' ? output.NextContinuationToken : undefined
    } while (token !== undefined && items.length < limit)
    return items
  }

  /** The items of all objects under a prefix, one object after the other. */
  async #loadListed(args: Arguments, format: Format): Promise<readonly Json[]> {
    const listed = await this.#list(args, Number.POSITIVE_INFINITY)
    const keys = listed.map((entry) => (isJsonObject(entry) ? entry.Key : undefined))
    return this.#each(keys, async (Key) => this.#parse(await this.#get({ Bucket: args.Bucket, Key }), format))
  }

  async #get(args: Arguments): Promise<Buffer> {
    const response: unknown = await this.#bus.call('s3', 'GetObject', args, this.#context)
    const body = isJsonObject(response) ? response.Body : undefined
    if (body instanceof Uint8Array) return Buffer.from(body)
    if (!(body instanceof Readable)) return Buffer.from(String(body ?? ''))
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk)))
    return Buffer.concat(chunks)
  }

  async #parse(bytes: Buffer, format: Format): Promise<readonly Json[]> {
    switch (format.InputType) {
      case 'JSON':
        return jsonItems(parseText(bytes.toString()), format.ItemsPointer)
      case 'JSONL':
        return jsonLines(bytes.toString())
      case 'CSV':
        return csvItems(bytes.toString(), format)
      case 'PARQUET':
        return parquetItems(bytes, this.#limit)
      case 'MANIFEST':
        return format.ManifestType === 'ATHENA_DATA'
          ? this.#unloaded(bytes.toString(), format)
          : this.#inventory(parseText(bytes.toString()))
      default:
        throw new ItemReaderFailure(`InputType must be given, but was: ${String(format.InputType)}`)
    }
  }

  /** The rows of the files that an UNLOAD of Athena lists in its manifest, one address a line. */
  #unloaded(manifest: string, format: Format): Promise<readonly Json[]> {
    const lines = manifest.split('\n').filter((address) => address.trim() !== '')
    return this.#each(lines, async (line) => {
      const [, Bucket, Key] = /^"?s3:\/\/([^/]+)\/(.*?)"?$/.exec(line.trim()) ?? []
      if (Bucket === undefined) throw new ItemReaderFailure(`The manifest holds a line that is no S3 address: ${line}`)
      return this.#parse(gunzipped(await this.#get({ Bucket, Key })), { ...format, InputType: formatOf(String(Key)) })
    })
  }

  /** An S3 inventory: the rows of the files that its manifest lists. */
  #inventory(manifest: Json): Promise<readonly Json[]> {
    const { files, fileSchema, destinationBucket, fileFormat } = isJsonObject(manifest) ? manifest : {}
    if (!Array.isArray(files) || typeof fileSchema !== 'string' || !INVENTORY_FORMATS.includes(fileFormat))
      throw new ItemReaderFailure('The manifest must be that of an S3 inventory in CSV or Parquet')
    const Bucket = String(destinationBucket).replace(/^arn:aws:s3:::/, '')
    const headers = fileSchema.split(',').map((column) => column.trim())
    return this.#each(files, async (file: unknown) => {
      const bytes = await this.#get({ Bucket, Key: isJsonObject(file) ? String(file.key) : '' })
      if (fileFormat === 'Parquet') return parquetItems(bytes, this.#limit)
      return headlessRows(gunzipped(bytes).toString()).map((row) => rowItem(headers, row))
    })
  }

  /** The items of each in turn, until there are enough. */
  async #each<T>(sources: readonly T[], read: (source: T) => Promise<readonly Json[]>): Promise<readonly Json[]> {
    const items: Json[] = []
    for (const source of sources) {
      if (items.length >= this.#limit) break
      for (const item of await read(source)) items.push(item)
    }
    return items
  }
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
