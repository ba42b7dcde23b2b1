import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { isJsonObject } from '../../../core/json.ts'
import { SqlError } from './sql-error.ts'
import { isNode, type Node, rewrite } from './syntax-tree.ts'

/** What we use of the translating library: Redshift text to a syntax tree, and a tree to DuckDB text. */
export interface Dialect {
  /** The statements of the text. @throws SqlError */
  parse(sql: string): Promise<readonly Node[]>
  /** DuckDB's text of one statement. @throws SqlError */
  print(tree: Node): Promise<string>
}

/** A conjunction over 60 columns is a tree 60 deep, and the library recurses. */
const STACK_MB = 64

/** The library off the main thread: its WebAssembly has 23 MB, and a long statement takes it 100 ms. */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const library = require(workerData)
const ready = library.init()
const text = (result) => {
  if (!result.success || result.sql?.[0] === undefined) throw new Error(result.error ?? 'nothing to run')
  return result.sql[0]
}
const parse = (sql) => {
  const result = library.parse(sql, 'redshift')
  if (!result.success) throw new Error(result.error)
  return result.ast
}
const print = (tree) => text(library.transpile(text(library.generate([tree], 'redshift')), 'redshift', 'duckdb'))
parentPort.on('message', async ({ id, verb, argument }) => {
  try {
    await ready
    parentPort.postMessage({ id, answer: verb === 'parse' ? parse(argument) : print(argument) })
  } catch (thrown) {
    parentPort.postMessage({ id, error: String(thrown.message ?? thrown) })
  }
})
`

interface Waiting {
  resolve(answer: unknown): void
  reject(error: SqlError): void
}

function startWorker(): (verb: 'parse' | 'print', argument: unknown) => Promise<unknown> {
  const library = createRequire(import.meta.url).resolve('@polyglot-sql/sdk')
  const worker = new Worker(WORKER, { eval: true, workerData: library, resourceLimits: { stackSizeMb: STACK_MB } })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  worker.on('message', (message: unknown) => {
    if (!isJsonObject(message) || typeof message.id !== 'number') return
    const asked = waiting.get(message.id)
    waiting.delete(message.id)
    if (waiting.size === 0) worker.unref()
    if (typeof message.error === 'string') asked?.reject(new SqlError(`syntax error: ${message.error}`))
    else asked?.resolve(message.answer)
  })
  worker.on('error', (error) => {
    running = null
    for (const { reject } of waiting.values()) reject(new SqlError(`translation failed: ${error.message}`))
  })
  worker.unref()
  return (verb, argument) =>
    new Promise((resolve, reject) => {
      lastId += 1
      waiting.set(lastId, { resolve, reject })
      worker.ref()
      worker.postMessage({ id: lastId, verb, argument })
    })
}

let running: ReturnType<typeof startWorker> | null = null

const ask = (verb: 'parse' | 'print', argument: unknown): Promise<unknown> => {
  running ??= startWorker()
  return running(verb, argument)
}

/** The library prints quotes and backslashes in Redshift's literals in a way that it cannot read itself. */
const STAND_INS: readonly (readonly [plain: string, standIn: string, printed: string])[] = [
  ["'", '\u{F0001}', "''"],
  ['\\', '\u{F0002}', '\\'],
]

const hidden = (tree: Node): unknown =>
  rewrite(tree, (kind, members) => {
    const { value } = members
    if (kind !== 'literal' || members.literal_type !== 'string' || typeof value !== 'string') return null
    const text = STAND_INS.reduce((result, [plain, standIn]) => result.replaceAll(plain, standIn), value)
    return text === value ? null : { literal: { ...members, value: text } }
  })

const revealed = (sql: string): string =>
  STAND_INS.reduce((result, [, standIn, printed]) => result.replaceAll(standIn, printed), sql)

/** One worker a process, started by the first statement; it keeps no process alive while it has nothing to do. */
export const dialect: Dialect = {
  async parse(sql) {
    const answer = await ask('parse', sql)
    return Array.isArray(answer) ? answer.filter(isNode) : []
  },
  async print(tree) {
    return revealed(String(await ask('print', hidden(tree))))
  },
}
