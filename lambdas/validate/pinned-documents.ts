import type { Contract } from '../../core/contract.ts'
import { digestOfJson } from '../../core/digest.ts'
import { SluiceError } from '../../core/errors.ts'
import type { Mapping } from '../../core/mapping.ts'
import type { PinnedConfiguration, PinnedDocument } from '../messages.ts'
import type { ObjectStore } from '../object-store.ts'
import type { RulesetDocument } from '../seed-document.ts'

export interface PinnedDocuments {
  readonly contract: Contract
  readonly mapping: Mapping
  readonly ruleset: RulesetDocument
}

/** Wide contracts with long descriptions have some hundred kilobytes. */
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

/**
 * Reads a document by its content hash. Only what our own parsers gave is ever pinned, so a document with the right hash has the
 * right form; any other text is refused.
 * @throws SluiceError `configuration_missing`, `configuration_damaged`
 */
async function readPinned(objects: ObjectStore, workBucket: string, { key, hash }: PinnedDocument): Promise<unknown> {
  const text = await objects.readText(workBucket, key, MAX_DOCUMENT_BYTES)
  if (text === null) throw new SluiceError('configuration_missing', `There is no s3://${workBucket}/${key}`)
  const document: unknown = JSON.parse(text)
  if (digestOfJson(document) === hash) return document
  throw new SluiceError('configuration_damaged', `The content of s3://${workBucket}/${key} does not have its hash`, {
    expected: hash,
    found: digestOfJson(document),
  })
}

const CACHED_DOCUMENTS = 256

/** Reads pinned documents, each at most once while the container lives. */
export function pinnedDocumentReader(objects: ObjectStore, workBucket: string) {
  const cache = new Map<string, Promise<unknown>>()
  const read = (document: PinnedDocument): Promise<unknown> => {
    const cached = cache.get(document.key)
    if (cached !== undefined) return cached
    if (cache.size >= CACHED_DOCUMENTS) cache.clear()
    const reading = readPinned(objects, workBucket, document)
    cache.set(document.key, reading)
    reading.catch(() => cache.delete(document.key))
    return reading
  }
  return async ({ contract, mapping, ruleset }: PinnedConfiguration): Promise<PinnedDocuments> => {
    const [first, second, third] = await Promise.all([read(contract), read(mapping), read(ruleset)])
    return { contract: first as Contract, mapping: second as Mapping, ruleset: third as RulesetDocument }
  }
}
