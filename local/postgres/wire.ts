/** Messages of the PostgreSQL protocol, version 3: framing of what clients send, and the few that the server makes itself. */

const PROTOCOL_3 = 196608
const SSL_REQUEST = 80877103
const GSS_REQUEST = 80877104
const CANCEL_REQUEST = 80877102

/** Larger messages of a client are refused. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024

export type StartupMessage =
  | { readonly kind: 'startup'; readonly parameters: Readonly<Record<string, string>> }
  /** The client asks for encryption, which a loopback socket does without. */
  | { readonly kind: 'encryption' }
  | { readonly kind: 'cancel' }

export interface FrontendMessage {
  /** One character: `Q` query, `P` parse, `S` sync, `X` terminate, … */
  readonly type: string
  /** With type and length. */
  readonly bytes: Buffer
}

/** Splits a stream of bytes into messages. */
export interface MessageReader {
  push(bytes: Buffer): void
  /** `null` until a whole one is there. @throws RangeError for a length or protocol that cannot be */
  startup(): StartupMessage | null
  message(): FrontendMessage | null
}

export function messageReader(): MessageReader {
  let held: Buffer = Buffer.alloc(0)
  const take = (length: number): Buffer => {
    const taken = held.subarray(0, length)
    held = held.subarray(length)
    return taken
  }
  const lengthAt = (offset: number, minimum: number): number | null => {
    if (held.length < offset + 4) return null
    const length = held.readInt32BE(offset)
    if (length < minimum || length > MAX_MESSAGE_BYTES) throw new RangeError(`Cannot read a message of ${length} bytes`)
    return held.length < offset + length ? null : length
  }
  return {
    push: (bytes) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes])
    },
    startup: () => {
      const length = lengthAt(0, 8)
      if (length === null) return null
      const body = take(length)
      const code = body.readInt32BE(4)
      if (code === SSL_REQUEST || code === GSS_REQUEST) return { kind: 'encryption' }
      if (code === CANCEL_REQUEST) return { kind: 'cancel' }
      if (code !== PROTOCOL_3) throw new RangeError(`Cannot speak protocol ${code >> 16}.${code & 0xffff}`)
      return { kind: 'startup', parameters: parametersOf(body.subarray(8)) }
    },
    message: () => {
      const length = lengthAt(1, 4)
      if (length === null) return null
      const bytes = take(length + 1)
      return { type: String.fromCharCode(bytes[0] ?? 0), bytes }
    },
  }
}

function parametersOf(body: Buffer): Record<string, string> {
  const texts = body.toString('utf8').split('\0')
  const parameters: Record<string, string> = {}
  for (let index = 0; texts[index] !== undefined && texts[index] !== ''; index += 2) {
    parameters[texts[index] ?? ''] = texts[index + 1] ?? ''
  }
  return parameters
}

/** The text of a password message. */
export const passwordOf = ({ bytes }: FrontendMessage): string => bytes.subarray(5, -1).toString('utf8')

function message(type: string, body: Buffer): Buffer {
  const header = Buffer.alloc(5)
  header.write(type, 0, 'latin1')
  header.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([header, body])
}

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
const text = (value: string): Buffer => Buffer.from(`${value}\0`, 'utf8')

export const query = (sql: string): Buffer => message('Q', text(sql))
export const cleartextPasswordRequest = (): Buffer => message('R', int32(3))

/** What a client is told once it is in, up to and with ReadyForQuery. */
export function welcome(parameters: Readonly<Record<string, string>>): Buffer {
  const status = Object.entries(parameters).map(([name, value]) =>
    message('S', Buffer.concat([text(name), text(value)])),
  )
  const backendKey = message('K', Buffer.concat([int32(process.pid), int32(0)]))
  return Buffer.concat([message('R', int32(0)), ...status, backendKey, message('Z', Buffer.from('I'))])
}

/** An ErrorResponse that ends the connection. */
export const fatalError = (sqlState: string, errorMessage: string): Buffer =>
  message('E', Buffer.concat([...[`SFATAL`, `VFATAL`, `C${sqlState}`, `M${errorMessage}`].map(text), Buffer.from([0])]))

/** Of the last ReadyForQuery in what a server sent: idle, in a transaction, in a failed one; `null` where there is none. */
export function transactionStatus(answer: Uint8Array): 'I' | 'T' | 'E' | null {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  let status: 'I' | 'T' | 'E' | null = null
  for (let offset = 0; offset + 5 <= bytes.length; offset += 1 + bytes.readInt32BE(offset + 1)) {
    if (bytes[offset] !== 0x5a) continue
    const letter = String.fromCharCode(bytes[offset + 5] ?? 0)
    if (letter === 'I' || letter === 'T' || letter === 'E') status = letter
  }
  return status
}

/** The first error's message in what a server sent, or `null`. */
export function errorIn(answer: Uint8Array): string | null {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength)
  for (let offset = 0; offset + 5 <= bytes.length; offset += 1 + bytes.readInt32BE(offset + 1)) {
    if (bytes[offset] !== 0x45) continue
    const fields = bytes
      .subarray(offset + 5, offset + 1 + bytes.readInt32BE(offset + 1))
      .toString('utf8')
      .split('\0')
    return fields.find((field) => field.startsWith('M'))?.slice(1) ?? 'unknown error'
  }
  return null
}
