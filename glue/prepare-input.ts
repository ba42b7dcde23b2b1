import { join } from 'node:path'
import { BlockWriter } from './block-writer.ts'
import { Framer, type FramingResult } from './framer.ts'
import { contentOf, sniffCompression } from './input-content.ts'
import { REJECT_CODES } from './intermediate.ts'
import type { Framing, ProgramInput } from './program.ts'

/** An input as the engine can read it: a file of well-framed UTF-8 records, and what framing found. */
export interface PreparedInput {
  readonly path: string
  /** Records counted from the bytes; `null` for formats that are not framed as lines. */
  readonly records: number | null
  readonly malformed: number
  /** JSON lines {input_index, record_number, code, message, raw, raw_sha256}; `null` where no record is malformed. */
  readonly malformedPath: string | null
  readonly openQuote: boolean
}

interface PreparedPaths {
  readonly copy: string
  readonly malformed: string
}

/** Whether the file can be read as it is; looks no further than to the first record that says no. */
async function scan(content: AsyncIterable<Uint8Array>, framing: Framing): Promise<FramingResult | null> {
  const framer = new Framer(framing, { malformed: () => undefined })
  for await (const chunk of content) {
    framer.push(chunk)
    if (framer.needsCopy) return null
  }
  const result = framer.end()
  return result.needsCopy ? null : result
}

/** Writes the well-framed records, with placeholders for the others, which go to a file of their own. */
async function copy(
  content: AsyncIterable<Uint8Array>,
  framing: Framing,
  index: number,
  paths: PreparedPaths,
): Promise<FramingResult> {
  const records = new BlockWriter(paths.copy)
  const malformed = new BlockWriter(paths.malformed)
  const framer = new Framer(framing, {
    malformed: ({ recordNumber, code, raw, sha256 }) => {
      const message = REJECT_CODES[code]
      const row = { input_index: index, record_number: recordNumber, code, message, raw, raw_sha256: sha256 }
      malformed.write(Buffer.from(`${JSON.stringify(row)}\n`))
    },
    copy: (bytes) => records.write(bytes),
  })
  try {
    for await (const chunk of content) framer.push(chunk)
    return framer.end()
  } finally {
    records.close()
    malformed.close()
  }
}

async function writeContent(content: AsyncIterable<Uint8Array>, path: string): Promise<void> {
  const writer = new BlockWriter(path)
  try {
    for await (const chunk of content) writer.write(chunk)
  } finally {
    writer.close()
  }
}

/**
 * Makes an input readable for the engine: decompressed, UTF-8, every record with the columns of the header. A plain file of
 * well-framed records is left where it is.
 *
 * @param index of the input within the run
 * @throws SluiceError `compression_bomb`
 */
export async function prepareInput(
  path: string,
  input: ProgramInput,
  index: number,
  tempDirectory: string,
): Promise<PreparedInput> {
  const compression = await sniffCompression(path)
  const paths = {
    copy: join(tempDirectory, `input-${index}`),
    malformed: join(tempDirectory, `malformed-${index}.jsonl`),
  }
  const asItIs = compression === 'none' && input.encoding === 'utf-8'
  const content = (): AsyncIterable<Uint8Array> => contentOf(path, compression, input)
  const { framing } = input
  if (framing === null) {
    if (!asItIs) await writeContent(content(), paths.copy)
    return { path: asItIs ? path : paths.copy, records: null, malformed: 0, malformedPath: null, openQuote: false }
  }
  const clean = asItIs ? await scan(content(), framing) : null
  if (clean !== null) return { path, records: clean.records, malformed: 0, malformedPath: null, openQuote: false }
  const { records, malformed, openQuote } = await copy(content(), framing, index, paths)
  return { path: paths.copy, records, malformed, malformedPath: malformed > 0 ? paths.malformed : null, openQuote }
}
