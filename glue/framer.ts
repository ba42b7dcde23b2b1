import { isUtf8 } from 'node:buffer'
import { createHash, type Hash } from 'node:crypto'
import type { RejectCode } from './intermediate.ts'
import type { Framing } from './program.ts'

/** A record that cannot be split into the expected columns. */
export interface MalformedRecord {
  /** From 1, the header not counted. */
  readonly recordNumber: number
  readonly code: RejectCode
  /** The record as text, at most `maxRawBytes` of it. */
  readonly raw: string
  /** Hex SHA-256 of all its bytes, without its line end. */
  readonly sha256: string
}

export interface FramerEvents {
  malformed(record: MalformedRecord): void
  /**
   * Bytes of well-framed records, in order; only called where a copy is wanted. `offset` is where they stand in the content,
   * `null` for bytes that do not: line ends and placeholders.
   */
  copy?(bytes: Uint8Array, offset: number | null): void
  /** A line of the copy has ended, the header or a record; `copiedBytes` is how long the copy is up to its end. */
  line?(copiedBytes: number): void
}

export interface FramingResult {
  /** Records of the file, the header not counted: the count that the run is reconciled with. */
  readonly records: number
  readonly malformed: number
  /** Whether an engine that reads the file as it is would read something else. */
  readonly needsCopy: boolean
  /** A quote was still open at the end, after more than one line: from there on no record can be told from the next. */
  readonly openQuote: boolean
}

const WINDOW_BYTES = 1 << 20

const LF = 10
const CR = 13
const BLANK = 32
const ORDINARY = 0
const DELIMITER = 1
const LINE_FEED = 2
const CARRIAGE_RETURN = 3
const QUOTE = 4
const ESCAPE = 5

const FIELD_START = 0
const UNQUOTED = 1
const QUOTED = 2
const AFTER_QUOTE = 3
const ESCAPED = 4
const AFTER_RETURN = 5
const AFTER_BLANK = 6

/** UTF-8 without NUL characters, which no text has and no warehouse takes. */
const isText = (bytes: Uint8Array): boolean => isUtf8(bytes) && !bytes.includes(0)

function classesOf(framing: Framing): Uint8Array {
  const classes = new Uint8Array(256).fill(ORDINARY)
  classes[LF] = LINE_FEED
  classes[CR] = CARRIAGE_RETURN
  classes[framing.delimiter.charCodeAt(0)] = DELIMITER
  if (framing.escape !== null) classes[framing.escape.charCodeAt(0)] = ESCAPE
  if (framing.quote !== null) classes[framing.quote.charCodeAt(0)] = QUOTE
  return classes
}

/** A line of empty fields: what stands in the place of a record that cannot be split. */
export function placeholderOf({ columns, columnCode, delimiter }: Framing): Buffer {
  const empty = columns === 1 ? (columnCode === 'malformed_json' ? '{}' : '-') : ''
  return Buffer.from(`${empty}${delimiter.repeat(columns - 1)}\n`)
}

/**
 * Cuts text into records by the rules of docs/operators.md ("Framing"), window by window, and tells which of them have another
 * number of columns than the header, stray text after a closing quote, invalid UTF-8 or too many bytes. Memory is bounded by a
 * window and one record.
 */
export class Framer {
  readonly #framing: Framing
  readonly #events: FramerEvents
  readonly #classes: Uint8Array
  readonly #placeholder: Buffer
  readonly #buffer: Buffer
  #length = 0
  /** Where the buffer begins in the content. */
  #base = 0
  #window: Buffer
  #position = 0
  #recordStart = 0
  #copyStart = 0
  /** Bytes handed to `copy` so far. */
  #copied = 0
  #state = FIELD_START
  #columns = 1
  #code: RejectCode | null = null
  #lines = 0
  /** Of an over-long record: its beginning, and the hash of what was dropped so far. */
  #head: { readonly raw: Buffer; readonly hash: Hash } | null = null
  #headerPending: boolean
  #windowIsValid = true
  #records = 0
  #malformed = 0
  #lineFeeds = 0
  #returnLineFeeds = 0
  #returns = 0
  #blankBeforeHeader = false
  #started = false

  constructor(framing: Framing, events: FramerEvents) {
    this.#framing = framing
    this.#events = events
    this.#classes = classesOf(framing)
    this.#buffer = Buffer.allocUnsafe(Math.max(framing.maxRecordBytes, framing.maxRawBytes) + WINDOW_BYTES)
    this.#window = this.#buffer.subarray(0, 0)
    this.#headerPending = framing.header
    this.#placeholder = placeholderOf(framing)
  }

  /** Takes the next bytes; the chunk may be filled anew afterwards. */
  push(chunk: Uint8Array): void {
    for (let offset = 0; offset < chunk.length; ) {
      const taken = Math.min(chunk.length - offset, this.#buffer.length - this.#length)
      this.#buffer.set(chunk.subarray(offset, offset + taken), this.#length)
      this.#length += taken
      offset += taken
      this.#scan()
    }
  }

  /** True as soon as an engine that reads the file as it is would read something else. */
  get needsCopy(): boolean {
    const kinds = [this.#lineFeeds, this.#returnLineFeeds].filter((count) => count > 0).length
    return this.#malformed > 0 || kinds > 1 || this.#returns > 0 || this.#blankBeforeHeader
  }

  /** Records that have ended so far, the header not counted. */
  get records(): number {
    return this.#records
  }

  end(): FramingResult {
    const open = this.#state === QUOTED || this.#state === ESCAPED
    const openQuote = open && this.#lines > 0
    if (open) this.#code ??= 'unclosed_quote'
    if (this.#state === AFTER_RETURN) this.#endLineAt(this.#position)
    else if (this.#window.length > this.#recordStart || this.#head !== null) this.#endRecord(this.#window.length, 0)
    this.#flush(this.#window.length)
    return {
      records: this.#records,
      malformed: this.#malformed,
      needsCopy: this.needsCopy,
      openQuote,
    }
  }

  /** Scans what is new and moves the unfinished record to the front. */
  #scan(): void {
    this.#window = this.#buffer.subarray(0, this.#length)
    if (!this.#started) this.#skipByteOrderMark()
    this.#windowIsValid = isText(this.#window)
    this.#run()
    this.#dropOverlong()
    this.#flush(this.#recordStart)
    this.#buffer.copyWithin(0, this.#recordStart, this.#length)
    this.#base += this.#recordStart
    this.#length -= this.#recordStart
    this.#position -= this.#recordStart
    this.#recordStart = 0
    this.#copyStart = 0
    this.#window = this.#buffer.subarray(0, this.#length)
  }

  #skipByteOrderMark(): void {
    if (this.#window.length < 3) return
    this.#started = true
    if (this.#window[0] === 0xef && this.#window[1] === 0xbb && this.#window[2] === 0xbf) {
      this.#position = 3
      this.#recordStart = 3
      this.#copyStart = 3
    }
  }

  #run(): void {
    const window = this.#window
    const classes = this.#classes
    const end = window.length
    let position = this.#position
    let state = this.#state
    while (position < end) {
      if (state === UNQUOTED) {
        let next = ORDINARY
        while (position < end) {
          next = classes[window[position] as number] as number
          if (next !== ORDINARY && next < QUOTE) break
          position++
        }
        if (position === end) break
      } else if (state === QUOTED) {
        while (position < end && (classes[window[position] as number] as number) < LINE_FEED) position++
        if (position === end) break
      }
      const kind = classes[window[position] as number] as number
      switch (state) {
        case QUOTED:
          if (kind === QUOTE) state = AFTER_QUOTE
          else if (kind === ESCAPE) state = ESCAPED
          else if (kind === LINE_FEED || kind === CARRIAGE_RETURN) this.#lines++
          position++
          continue
        case ESCAPED:
          if (kind !== QUOTE && kind !== ESCAPE) this.#code ??= 'malformed_quote'
          state = QUOTED
          position++
          continue
        case AFTER_QUOTE:
          if (kind === QUOTE && this.#framing.escape === this.#framing.quote) {
            state = QUOTED
            position++
            continue
          }
          if (kind === ORDINARY || kind >= QUOTE) {
            this.#code ??= 'malformed_quote'
            state = UNQUOTED
            position++
            continue
          }
          break
        case FIELD_START:
          if (kind === QUOTE) {
            state = QUOTED
            position++
            continue
          }
          if (kind === ORDINARY || kind === ESCAPE) {
            state = window[position] === BLANK && this.#framing.quote !== null ? AFTER_BLANK : UNQUOTED
            position++
            continue
          }
          break
        case AFTER_BLANK:
          if (kind === ORDINARY || kind >= QUOTE) {
            state = kind === QUOTE ? QUOTED : UNQUOTED
            position++
            continue
          }
          break
        case AFTER_RETURN:
          this.#position = position
          if (kind === LINE_FEED) {
            position++
            this.#returnLineFeeds++
            this.#endRecord(position, 2)
          } else {
            this.#endLineAt(position)
          }
          state = FIELD_START
          continue
      }
      if (kind === DELIMITER) {
        this.#columns++
        state = FIELD_START
        position++
      } else if (kind === LINE_FEED) {
        position++
        this.#lineFeeds++
        this.#endRecord(position, 1)
        state = FIELD_START
      } else {
        state = AFTER_RETURN
        position++
      }
    }
    this.#position = position
    this.#state = state
  }

  /** A carriage return alone ended the line that ends before `position`. */
  #endLineAt(position: number): void {
    this.#returns++
    this.#endRecord(position, 1)
  }

  /** Ends the record before `position`, the last `terminator` bytes of which end the line. */
  #endRecord(position: number, terminator: 0 | 1 | 2): void {
    const start = this.#recordStart
    const stop = position - terminator
    const { columns, columnCode } = this.#framing
    const blank = stop === start && this.#head === null
    if (blank) this.#skipBlank(position)
    else if (this.#headerPending) this.#endHeader(position, stop)
    else {
      this.#records++
      let code = this.#code
      if (stop - start > this.#framing.maxRecordBytes) code = 'row_too_long'
      else if (code === null && !this.#windowIsValid && !isText(this.#window.subarray(start, stop)))
        code = 'bad_encoding'
      else if (code === null && this.#columns !== columns) code = columnCode
      if (code !== null) this.#report(code, start, stop, position)
      else if (terminator !== 1 || this.#window[stop] !== LF) this.#copyLine(stop, position)
    }
    if (!blank) this.#events.line?.(this.#copied + position - this.#copyStart)
    this.#recordStart = position
    this.#columns = 1
    this.#code = null
    this.#lines = 0
    this.#head = null
  }

  #skipBlank(position: number): void {
    if (this.#headerPending) this.#blankBeforeHeader = true
    this.#flush(this.#recordStart)
    this.#copyStart = position
  }

  /** The header is what the plan was compiled for; the engine only has to skip one line. */
  #endHeader(position: number, stop: number): void {
    this.#headerPending = false
    this.#copyLine(stop, position)
  }

  #report(code: RejectCode, start: number, stop: number, position: number): void {
    this.#malformed++
    const bytes = this.#window.subarray(start, Math.max(start, stop))
    const raw = this.#head?.raw ?? bytes.subarray(0, this.#framing.maxRawBytes)
    const sha256 = (this.#head?.hash ?? createHash('sha256')).update(bytes).digest('hex')
    this.#events.malformed({ recordNumber: this.#records, code, raw: raw.toString('utf8'), sha256 })
    this.#flush(start)
    this.#copy(this.#placeholder, null)
    this.#copyStart = position
  }

  /** Copies the record with a line feed at its end, whatever ended it. */
  #copyLine(stop: number, position: number): void {
    if (this.#events.copy === undefined) return
    this.#flush(stop)
    this.#copy(LINE_END, null)
    this.#copyStart = position
  }

  #flush(until: number): void {
    if (this.#events.copy !== undefined && until > this.#copyStart)
      this.#copy(this.#window.subarray(this.#copyStart, until), this.#base + this.#copyStart)
    this.#copyStart = Math.max(this.#copyStart, until)
  }

  #copy(bytes: Uint8Array, offset: number | null): void {
    this.#events.copy?.(bytes, offset)
    this.#copied += bytes.length
  }

  /** Of a record that is longer than allowed only the beginning is kept while its end is looked for. */
  #dropOverlong(): void {
    const length = this.#window.length - this.#recordStart
    const { maxRecordBytes, maxRawBytes } = this.#framing
    if (length <= Math.max(maxRecordBytes, maxRawBytes) + 2) return
    this.#code = 'row_too_long'
    this.#flush(this.#recordStart)
    const raw = this.#window.subarray(this.#recordStart, this.#recordStart + maxRawBytes)
    this.#head ??= { raw: Buffer.from(raw), hash: createHash('sha256') }
    // A carriage return at the end belongs to the line's end, whatever follows.
    const stop = this.#window.length - (this.#state === AFTER_RETURN ? 1 : 0)
    this.#head.hash.update(this.#window.subarray(this.#recordStart, stop))
    this.#recordStart = this.#window.length
    this.#copyStart = this.#window.length
  }
}

const LINE_END = Buffer.from('\n')
