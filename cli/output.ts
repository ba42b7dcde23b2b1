import { type FaultPlace, messageOf, printPlace, SluiceError } from '../core/errors.ts'

/** Exit codes: done as wanted, the answer is no, wrong use or invalid input files, could not be done. */
export const EXIT = { done: 0, no: 1, wrongUse: 2, impossible: 3 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** A failure whose exit code is not that of "it could not be done". */
export class CommandError extends SluiceError {
  readonly exitCode: ExitCode
  constructor(exitCode: ExitCode, code: string, message: string, hint?: string, where?: FaultPlace) {
    super(code, message, { ...(hint === undefined ? {} : { hint }), ...(where === undefined ? {} : { where }) })
    this.exitCode = exitCode
  }
}

/** Where a command writes: results on stdout, messages and progress on stderr. */
export interface Output {
  readonly json: boolean
  readonly terminal: boolean
  readonly color: boolean
  result(value: unknown, human: () => string): void
  /** Lines of a result that grows while one looks; nothing with `--json`, whose document comes at the end. */
  lines(text: string): void
  note(text: string): void
  /** One line that replaces the last one, on a terminal only. */
  progress(text: string): void
}

const REPLACER = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

export function createOutput(json: boolean, environment: NodeJS.ProcessEnv): Output {
  const terminal = process.stderr.isTTY === true
  const clear = (): void => {
    if (terminal) process.stderr.write('\r\x1b[2K')
  }
  return {
    json,
    terminal,
    color: process.stdout.isTTY === true && (environment.NO_COLOR ?? '') === '',
    result(value, human) {
      clear()
      const text = json ? JSON.stringify(value, REPLACER, 2) : human()
      if (text !== '') process.stdout.write(`${text}\n`)
    },
    lines(text) {
      clear()
      if (!json && text !== '') process.stdout.write(`${text}\n`)
    },
    note(text) {
      clear()
      process.stderr.write(`${text}\n`)
    },
    progress(text) {
      if (terminal) process.stderr.write(`\r\x1b[2K${text}`)
    },
  }
}

const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ETIMEDOUT', 'EPIPE'])

const codeOf = (thrown: unknown): string => {
  if (thrown instanceof SluiceError) return thrown.code
  const own = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : ''
  if (networkCodes.has(own)) return 'runtime_unreachable'
  if (thrown instanceof Error && thrown.name !== 'Error') {
    return thrown.name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
  }
  return 'internal_error'
}

/** The documented error object of `--json`. */
function errorDocument(thrown: unknown): {
  error: { code: string; message: string; where?: string; hint?: string }
} {
  const sluice = thrown instanceof SluiceError ? thrown : null
  return {
    error: {
      code: codeOf(thrown),
      message: messageOf(thrown) || 'The call failed without a message',
      ...(sluice?.where === undefined ? {} : { where: printPlace(sluice.where) }),
      ...(sluice?.hint === undefined ? {} : { hint: sluice.hint }),
    },
  }
}

/** Prints an error in the asked form and answers the exit code it calls for. */
export function reportError(thrown: unknown, output: Output): ExitCode {
  const document = errorDocument(thrown)
  if (output.json) process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
  else {
    const { code, message, where, hint } = document.error
    output.note(
      `sluice: ${where === undefined ? '' : `${where}: `}${message} [${code}]${hint === undefined ? '' : `\n  ${hint}`}`,
    )
  }
  return thrown instanceof CommandError ? thrown.exitCode : EXIT.impossible
}
