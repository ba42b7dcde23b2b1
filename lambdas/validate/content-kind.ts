/** What the first bytes say a content is, whatever its name. */
export type ContentKind =
  | 'gzip'
  | 'zstd'
  | 'parquet'
  | 'zip'
  | 'bzip2'
  | 'xz'
  | '7z'
  | 'rar'
  | 'lz4'
  | 'compress'
  | 'pdf'
  | 'executable'
  | 'ole'
  | 'image'
  | 'sqlite'
  | 'avro'
  | 'orc'
  | 'text'

const SIGNATURES: readonly { readonly kind: ContentKind; readonly bytes: readonly number[] }[] = [
  { kind: 'gzip', bytes: [0x1f, 0x8b] },
  { kind: 'zstd', bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { kind: 'parquet', bytes: [0x50, 0x41, 0x52, 0x31] },
  { kind: 'zip', bytes: [0x50, 0x4b, 0x03, 0x04] },
  { kind: 'zip', bytes: [0x50, 0x4b, 0x05, 0x06] },
  { kind: 'bzip2', bytes: [0x42, 0x5a, 0x68] },
  { kind: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00] },
  { kind: '7z', bytes: [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c] },
  { kind: 'rar', bytes: [0x52, 0x61, 0x72, 0x21, 0x1a, 0x07] },
  { kind: 'lz4', bytes: [0x04, 0x22, 0x4d, 0x18] },
  { kind: 'compress', bytes: [0x1f, 0x9d] },
  { kind: 'pdf', bytes: [0x25, 0x50, 0x44, 0x46, 0x2d] },
  { kind: 'executable', bytes: [0x7f, 0x45, 0x4c, 0x46] },
  { kind: 'executable', bytes: [0x4d, 0x5a, 0x90, 0x00] },
  { kind: 'ole', bytes: [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1] },
  { kind: 'image', bytes: [0x89, 0x50, 0x4e, 0x47] },
  { kind: 'image', bytes: [0xff, 0xd8, 0xff] },
  { kind: 'sqlite', bytes: [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66] },
  { kind: 'avro', bytes: [0x4f, 0x62, 0x6a, 0x01] },
  { kind: 'orc', bytes: [0x4f, 0x52, 0x43, 0x0a] },
]

/** bzip2 marks its blocks too; `BZh` alone may begin a text. */
const BZIP2_BLOCKS = [
  [0x31, 0x41, 0x59, 0x26, 0x53, 0x59],
  [0x17, 0x72, 0x45, 0x38, 0x50, 0x90],
]

const startsWith = (content: Uint8Array, bytes: readonly number[], offset = 0): boolean =>
  bytes.every((byte, index) => content[offset + index] === byte)

/** `text` when no signature fits; whether it is text is for the encoding to say. */
export function kindOfContent(content: Uint8Array): ContentKind {
  const found = SIGNATURES.find(({ bytes }) => startsWith(content, bytes))?.kind ?? 'text'
  if (found !== 'bzip2') return found
  return BZIP2_BLOCKS.some((block) => startsWith(content, block, 4)) ? 'bzip2' : 'text'
}

/** Compressed or packed in a way that nothing here unpacks. */
export const UNREADABLE_COMPRESSION: ReadonlySet<ContentKind> = new Set([
  'zip',
  'bzip2',
  'xz',
  '7z',
  'rar',
  'lz4',
  'compress',
])

/** Suffixes of kinds of file that are refused by name, unless the content is one that can be read. */
const REFUSED_SUFFIXES = new Set(
  (
    'exe dll so dylib msi bat cmd com scr sh ps1 jar apk app iso dmg ' +
    'xls xlsx xlsm xlsb ods doc docx odt rtf ppt pptx pdf pages numbers ' +
    'zip rar 7z tar tgz bz2 xz lz4 lzma cab ' +
    'png jpg jpeg gif bmp tif tiff svg webp heic mp3 mp4 mov avi wav ' +
    'html htm xml db sqlite mdb accdb avro orc'
  ).split(' '),
)

/** The refused suffix of a key, lower case, or `null`. */
export function refusedSuffixOf(key: string): string | null {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const dot = name.lastIndexOf('.')
  const suffix = dot < 0 ? '' : name.slice(dot + 1).toLowerCase()
  return REFUSED_SUFFIXES.has(suffix) ? suffix : null
}
