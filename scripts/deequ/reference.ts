import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { SluiceError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'

/** What the reference says of one rule. */
export interface ReferenceOutcome {
  /** The rule's canonical text. */
  readonly rule: string
  readonly passed: boolean
  readonly reason: string | null
  /** NaN and infinities are texts. */
  readonly metrics: Readonly<Record<string, number | string>>
}
/** A ruleset's outcomes, or why the reference refused it whole. */
export type ReferenceAnswer =
  | { readonly kind: 'outcomes'; readonly outcomes: readonly ReferenceOutcome[] }
  | { readonly kind: 'refused'; readonly reason: string }

export interface Reference {
  /** Makes a Parquet file known as a table. @throws SluiceError `reference_failed` */
  open(name: string, path: string): Promise<void>
  /** @param sources table names by alias */
  evaluate(table: string, sources: Readonly<Record<string, string>>, ruleset: string): Promise<ReferenceAnswer>
  close(): Promise<void>
}

const broken = (what: string): SluiceError => new SluiceError('reference_failed', `Reference engine: ${what}`)

function outcomeOf(value: unknown): ReferenceOutcome {
  if (!isJsonObject(value) || typeof value.rule !== 'string') throw broken('an outcome names no rule')
  const metrics = isJsonObject(value.metrics) ? value.metrics : {}
  return {
    rule: value.rule,
    passed: value.outcome === 'Passed',
    reason: typeof value.reason === 'string' ? value.reason : null,
    metrics: Object.fromEntries(
      Object.entries(metrics).flatMap(([name, metric]) =>
        typeof metric === 'number' || typeof metric === 'string' ? [[name, metric] as const] : [],
      ),
    ),
  }
}

function answerOf(line: string): ReferenceAnswer {
  const value: unknown = JSON.parse(line)
  if (!isJsonObject(value)) throw broken(`unexpected answer ${line}`)
  if (typeof value.error === 'string') return { kind: 'refused', reason: value.error }
  if (!Array.isArray(value.outcomes)) throw broken(`unexpected answer ${line}`)
  return { kind: 'outcomes', outcomes: value.outcomes.map(outcomeOf) }
}

/**
 * Starts the reference engine.
 * @param log file for what it prints
 */
export function startReference(log: string): Reference {
  const command = [
    '.cache/spark/py311/bin/python',
    'scripts/deequ/reference_server.py',
    '.cache/spark/deequ-jars',
  ] as const
  const child: ChildProcessWithoutNullStreams = spawn(command[0], command.slice(1))
  child.stderr.pipe(createWriteStream(log))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (request: object): Promise<ReferenceAnswer> => {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const { value, done } = await lines.next()
    if (done === true) throw broken(`it ended; see ${log}`)
    return answerOf(value)
  }
  return {
    open: async (name, path) => {
      const answer = await ask({ open: name, path })
      if (answer.kind === 'refused') throw broken(answer.reason)
    },
    evaluate: (table, sources, ruleset) => ask({ table, sources, ruleset }),
    close: () =>
      new Promise((done) => {
        child.once('close', () => done())
        child.stdin.end()
      }),
  }
}
