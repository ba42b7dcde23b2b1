/**
 * Whether a file is a store, before LMDB maps it into memory: of a file that is none, or is cut short, the process would
 * die without a word.
 */

import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

const MAGIC = 0xbeefc0de
const FORMAT_VERSION = 2
/** Of a page that holds one of the two roots: a header, then what says where the trees begin. */
const AT = { magic: 24, version: 28, pageBytes: 48, freeRoot: 88, mainRoot: 136, transaction: 152 } as const
const META_BYTES = 160
const SMALLEST_PAGE_BYTES = 256
const LARGEST_PAGE_BYTES = 65_536
/** A tree without a page. */
const NO_PAGE = 0xffff_ffff_ffff_ffffn

interface Meta {
  readonly pageBytes: number
  readonly roots: readonly bigint[]
  readonly transaction: bigint
}

/** What is wrong with a store's file, or `null`; one that is missing or empty becomes a new store. */
export function storeFileFault(file: string): string | null {
  if (!existsSync(file)) return null
  const descriptor = openSync(file, 'r')
  try {
    const sizeBytes = fstatSync(descriptor).size
    return sizeBytes === 0 ? null : faultOf(descriptor, sizeBytes)
  } finally {
    closeSync(descriptor)
  }
}

function faultOf(descriptor: number, sizeBytes: number): string | null {
  const first = readMeta(descriptor, 0)
  const second = first === null ? null : readMeta(descriptor, first.pageBytes)
  if (first === null || second === null) return 'data.mdb is not the database of a state folder'
  const newest = first.transaction > second.transaction ? first : second
  const ends = newest.roots.filter((root) => root !== NO_PAGE).map((root) => (root + 1n) * BigInt(newest.pageBytes))
  return ends.some((end) => end > BigInt(sizeBytes)) ? `data.mdb is cut short: it has ${sizeBytes} bytes` : null
}

function readMeta(descriptor: number, position: number): Meta | null {
  const bytes = Buffer.alloc(META_BYTES)
  if (readSync(descriptor, bytes, 0, META_BYTES, position) < META_BYTES) return null
  const pageBytes = bytes.readUInt32LE(AT.pageBytes)
  const isMeta =
    bytes.readUInt32LE(AT.magic) === MAGIC &&
    bytes.readUInt16LE(AT.version) === FORMAT_VERSION &&
    pageBytes >= SMALLEST_PAGE_BYTES &&
    pageBytes <= LARGEST_PAGE_BYTES
  if (!isMeta) return null
  const roots = [bytes.readBigUInt64LE(AT.freeRoot), bytes.readBigUInt64LE(AT.mainRoot)]
  return { pageBytes, roots, transaction: bytes.readBigUInt64LE(AT.transaction) }
}
