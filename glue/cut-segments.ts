import { join } from 'node:path'
import { BlockWriter } from './block-writer.ts'
import { Framer, type FramingResult, placeholderOf } from './framer.ts'
import { contentOf, sniffCompression } from './input-content.ts'
import { REJECT_CODES } from './intermediate.ts'
import { LineEnds } from './line-ends.ts'
import type { Framing, ProgramInput } from './program.ts'
import { type Piece, SegmentWriter } from './segment-writer.ts'

/** Some whole records of an input, well framed, in a file that the engine can read. */
export interface Segment {
  readonly path: string
  readonly inputIndex: number
  /** Records of the input before this segment. */
  readonly before: number
  readonly records: number
  /** JSON lines {input_index, record_number, code, message, raw, raw_sha256}; `null` where no record is malformed. */
  readonly malformedPath: string | null
  /** Where records end in the file, for `copyRecords`. */
  readonly endsPath: string
  /** What the file can be made from again; `null` where it must be kept. */
  readonly pieces: readonly Piece[] | null
}

export interface CutOptions {
  readonly input: ProgramInput
  readonly framing: Framing
  readonly inputIndex: number
  /** A segment ends with the first block of the content that fills it. */
  readonly segmentBytes: number
  readonly directory: string
  /** A file to write a segment to; what it holds may be overwritten. */
  readonly takePath: () => string
  /** Told once what framing found over all segments. */
  readonly ended: (result: FramingResult) => void
}

/** The segment that is being written, with the records it could not take. */
class OpenSegment {
  readonly records: SegmentWriter
  readonly #ends = new LineEnds()
  /** What has to be added to a position in the whole copy for that in this file. */
  readonly #shift: number
  #malformed: BlockWriter | null = null
  #closed = false

  constructor(
    readonly options: CutOptions,
    readonly before: number,
    traceable: boolean,
    copiedBefore: number,
  ) {
    const { framing, takePath } = options
    this.records = new SegmentWriter(takePath(), traceable)
    const first = before === 0
    if (!first && framing.header) this.records.write(placeholderOf(framing), null)
    this.#shift = this.records.bytes - copiedBefore
    if (!first || !framing.header) this.#ends.push(this.records.bytes)
  }

  line(copiedBytes: number): void {
    this.#ends.push(copiedBytes + this.#shift)
  }

  get #endsPath(): string {
    return join(this.options.directory, `ends-${this.options.inputIndex}-${this.before}.bin`)
  }

  get #malformedPath(): string {
    return join(this.options.directory, `malformed-${this.options.inputIndex}-${this.before}.jsonl`)
  }

  malformed(row: object): void {
    this.#malformed ??= new BlockWriter(this.#malformedPath)
    this.#malformed.write(Buffer.from(`${JSON.stringify(row)}\n`))
  }

  /** @param until records of the input up to the segment's end */
  close(until: number): Segment {
    const pieces = this.#close()
    this.#ends.write(this.#endsPath)
    return {
      path: this.records.path,
      inputIndex: this.options.inputIndex,
      before: this.before,
      records: until - this.before,
      endsPath: this.#endsPath,
      malformedPath: this.#malformed === null ? null : this.#malformedPath,
      pieces,
    }
  }

  /** Closes the files of a segment that nobody will read. */
  abandon(): void {
    if (!this.#closed) this.#close()
  }

  #close(): readonly Piece[] | null {
    this.#closed = true
    this.#malformed?.close()
    return this.records.close()
  }
}

/**
 * Cuts an input into segments, in order. There is at least one; all but the first begin with a line in the header's place.
 *
 * @throws SluiceError `compression_bomb`, `truncated_upload`, `malformed_records`
 */
export async function* cutSegments(source: string, options: CutOptions): AsyncGenerator<Segment> {
  const { input, framing, inputIndex, segmentBytes } = options
  const compression = await sniffCompression(source)
  const traceable = compression === 'none' && input.encoding === 'utf-8'
  let segment = new OpenSegment(options, 0, traceable, 0)
  let copied = 0
  const framer = new Framer(framing, {
    malformed: ({ recordNumber, code, raw, sha256 }) =>
      segment.malformed({
        input_index: inputIndex,
        record_number: recordNumber,
        code,
        message: REJECT_CODES[code],
        raw,
        raw_sha256: sha256,
      }),
    copy: (bytes, offset) => {
      copied += bytes.length
      segment.records.write(bytes, offset)
    },
    line: (copiedBytes) => segment.line(copiedBytes),
  })
  try {
    for await (const chunk of contentOf(source, compression, input)) {
      framer.push(chunk)
      if (segment.records.bytes < segmentBytes || framer.records === segment.before) continue
      yield segment.close(framer.records)
      segment = new OpenSegment(options, framer.records, traceable, copied)
    }
    const result = framer.end()
    const last = segment.close(result.records)
    if (last.records > 0 || last.before === 0) yield last
    options.ended(result)
  } finally {
    segment.abandon()
  }
}
