import type { Contract } from '../../core/contract.ts'
import type { Mapping } from '../../core/mapping.ts'
import type { SourceVersion } from '../../core/source.ts'
import { checkParquet } from './check-parquet.ts'
import { checkText } from './check-text.ts'
import { type ContentKind, kindOfContent, refusedSuffixOf, UNREADABLE_COMPRESSION } from './content-kind.ts'
import { decompress } from './decompress.ts'
import { decodeSample, type Piece, type TextEncoding } from './encoding.ts'
import { measuredBytes, readSample, type StoredSample } from './read-sample.ts'
import { isRefusal, type Refusal, refusal } from './refusal.ts'
import type { SourceHead, SourceReader } from './source-reader.ts'
import type { SeenColumns } from './text-sample.ts'

/** What validation saw of a source that may proceed. */
export interface CheckedSource extends SeenColumns {
  readonly head: SourceHead
  readonly encoding: TextEncoding
  readonly compression: 'none' | 'gzip' | 'zstd'
}

/** Configuration and port of a check. */
export interface CheckContext {
  readonly contract: Contract
  readonly mapping: Mapping
  readonly reader: SourceReader
}

const gone = (): Refusal => refusal('source_missing', 'The object version is gone')

/** A key may be mistyped or forged: where the object itself names a tenant, both must agree. */
function checkTenant({ announcedTenant }: SourceHead, { tenantId }: Mapping): Refusal | null {
  if (announcedTenant === null || announcedTenant === tenantId) return null
  return refusal('tenant_mismatch', `The key says tenant "${tenantId}", the metadata of the object another`, {
    expected: tenantId,
    found: announcedTenant.slice(0, 64),
  })
}

/** What the head alone tells, before a byte of the body is asked for. */
function checkSize({ sizeBytes }: SourceHead, { limits }: Contract): Refusal | null {
  if (sizeBytes === 0) return refusal('empty_object', 'The object has no bytes')
  if (sizeBytes > limits.bytes)
    return refusal('file_too_large', `The object has ${sizeBytes} bytes, ${limits.bytes} are allowed`, {
      sizeBytes,
      maxBytes: limits.bytes,
    })
  if (sizeBytes < limits.minBytes)
    return refusal('file_too_small', `The object has ${sizeBytes} bytes, at least ${limits.minBytes} are asked for`, {
      sizeBytes,
      minBytes: limits.minBytes,
    })
  return null
}

const isCompression = (kind: ContentKind): kind is 'gzip' | 'zstd' => kind === 'gzip' || kind === 'zstd'

/** Content first, then the name: what can be read is read whatever it is called. */
function checkKind(kind: ContentKind, key: string, mapping: Mapping): Refusal | null {
  const { format, compression } = mapping.input
  if (isCompression(kind)) {
    if (compression === 'auto' || compression === kind) return null
    return refusal('unsupported_compression', `The content is ${kind}, the mapping says ${compression}`, {
      expected: compression,
      found: kind,
    })
  }
  if (kind === 'parquet' && format === 'parquet') return null
  const suffix = refusedSuffixOf(key)
  if (suffix !== null)
    return refusal('unsupported_extension', `Files that end in ".${suffix}" cannot be read`, { suffix, content: kind })
  if (UNREADABLE_COMPRESSION.has(kind))
    return refusal('unsupported_compression', `The content is ${kind}, which cannot be read`, { found: kind })
  if (kind === 'text' && format !== 'parquet') return null
  return refusal('unsupported_format', `The mapping says ${format}, the content is ${kind}`, {
    expected: format,
    found: kind,
  })
}

interface TextBytes {
  readonly beginning: Piece
  readonly end: Piece | null
}

async function textBytes(stored: StoredSample, kind: ContentKind, { limits }: Contract): Promise<TextBytes | Refusal> {
  if (!isCompression(kind))
    return {
      beginning: { bytes: stored.beginning, fromStart: true, toEnd: stored.whole },
      end: stored.end === null || stored.whole ? null : { bytes: stored.end, fromStart: false, toEnd: true },
    }
  const content = await decompress({
    codec: kind,
    stored: stored.beginning,
    whole: stored.whole,
    keepBytes: measuredBytes(limits),
    maxRatio: limits.compressionRatio,
  })
  if (isRefusal(content)) return content
  return { beginning: { bytes: content.bytes, fromStart: true, toEnd: content.complete }, end: null }
}

async function checkBody(
  stored: StoredSample,
  kind: ContentKind,
  head: SourceHead,
  { contract, mapping }: CheckContext,
): Promise<CheckedSource | Refusal> {
  const bytes = await textBytes(stored, kind, contract)
  if (isRefusal(bytes)) return bytes
  const inner = isCompression(kind) ? kindOfContent(bytes.beginning.bytes) : 'text'
  if (inner !== 'text')
    return refusal('unsupported_format', `The ${kind} content holds ${inner}`, {
      expected: mapping.input.format,
      found: inner,
    })
  const decoded = decodeSample(mapping.input.encoding, bytes.beginning, bytes.end)
  if (isRefusal(decoded)) return decoded
  const { beginning, end, encoding } = decoded
  const seen = checkText({ beginning, end, complete: bytes.beginning.toEnd }, contract, mapping)
  return isRefusal(seen) ? seen : { ...seen, head, encoding, compression: isCompression(kind) ? kind : 'none' }
}

async function checkFooter(
  source: SourceVersion,
  head: SourceHead,
  { contract, mapping, reader }: CheckContext,
): Promise<CheckedSource | Refusal> {
  const readAt = async (offset: number, length: number): Promise<Uint8Array> =>
    (await reader.range(source, offset, offset + length - 1)) ?? new Uint8Array()
  const seen = await checkParquet(readAt, head.sizeBytes, contract, mapping)
  return isRefusal(seen) ? seen : { ...seen, head, encoding: 'utf-8', compression: 'none' }
}

/**
 * Checks one object version against contract and mapping, reading its head, a bounded part of its beginning and of its end, and
 * never the whole.
 */
export async function checkSource(source: SourceVersion, context: CheckContext): Promise<CheckedSource | Refusal> {
  const { contract, mapping, reader } = context
  const head = await reader.head(source)
  if (head === null) return gone()
  const wrongTenant = checkTenant(head, mapping)
  if (wrongTenant !== null) return wrongTenant
  const wrongSize = checkSize(head, contract)
  if (wrongSize !== null) return wrongSize
  const stored = await readSample(reader, source, head.sizeBytes, contract.limits)
  if (stored === null) return gone()
  const kind = kindOfContent(stored.beginning)
  const wrongKind = checkKind(kind, source.key, mapping)
  if (wrongKind !== null) return wrongKind
  return kind === 'parquet' ? checkFooter(source, head, context) : checkBody(stored, kind, head, context)
}
