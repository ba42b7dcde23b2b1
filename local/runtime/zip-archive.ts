/** ZIP archives, deflated, without dates: equal files give equal bytes. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface ArchivedFile {
  /** With `/` between folders. */
  readonly name: string
  readonly content: Buffer
}

const LOCAL_HEADER = 0x04034b50
const CENTRAL_HEADER = 0x02014b50
const END_OF_DIRECTORY = 0x06054b50
const VERSION = 20
const UTF8_NAMES = 0x0800
const DEFLATED = 8
/** 1 January 1980, the earliest that ZIP can say. */
const DATE = 0x0021

/** @throws RangeError above 65,535 files */
export function zipOf(files: readonly ArchivedFile[]): Buffer {
  if (files.length > 0xffff) throw new RangeError(`Cannot archive ${files.length} files`)
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content } of files) {
    const nameBytes = Buffer.from(name, 'utf8')
    const data = deflateRawSync(content)
    const facts = factsOf(crc32(content), data.length, content.length, nameBytes.length)
    const local = Buffer.concat([uint32(LOCAL_HEADER), uint16(VERSION), facts, nameBytes, data])
    directory.push(
      Buffer.concat([
        uint32(CENTRAL_HEADER),
        uint16(VERSION),
        uint16(VERSION),
        facts,
        Buffer.alloc(10),
        uint32(offset),
        nameBytes,
      ]),
    )
    parts.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const counts = Buffer.concat([uint16(files.length), uint16(files.length)])
  const end = Buffer.concat([
    uint32(END_OF_DIRECTORY),
    uint32(0),
    counts,
    uint32(central.length),
    uint32(offset),
    uint16(0),
  ])
  return Buffer.concat([...parts, central, end])
}

/** Flags, method, time, date, checksum, sizes, lengths: what both headers share. */
const factsOf = (checksum: number, compressedBytes: number, bytes: number, nameBytes: number): Buffer =>
  Buffer.concat([
    uint16(UTF8_NAMES),
    uint16(DEFLATED),
    uint16(0),
    uint16(DATE),
    uint32(checksum),
    uint32(compressedBytes),
    uint32(bytes),
    uint16(nameBytes),
    uint16(0),
  ])

function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeUInt16LE(value)
  return bytes
}
function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
