import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { requireRuntime } from '../../cli/session.ts'
import type { RoleStatement } from '../../local/iam/grant-uses.ts'
import { clientsOf, type RunningRuntime } from './harness.ts'

/** A statement of a role, and where one is said, the action that it allowed. */
export interface StatementName {
  readonly roleArn: string
  readonly statementId: string
  readonly action?: string
}

export interface Seen {
  readonly allowed: readonly StatementName[]
  readonly denied: readonly string[]
  readonly log: readonly string[]
}

export type RuntimeOrder =
  | { readonly what: 'without'; readonly statements: readonly StatementName[] }
  | { readonly what: 'look' | 'restart' | 'stop' }

export interface RuntimeAnswer {
  readonly endpoint: string
  /** Since the last answer. */
  readonly seen: Seen
  /** Of all roles, as deployed. */
  readonly statements: readonly RoleStatement[]
}

/** A runtime in a process of its own whose roles can be changed while it runs. */
export interface ChangeableRuntime {
  runtime(): RunningRuntime
  /** Takes these statements out of the deployed policies; an empty list puts all back. */
  without(statements: readonly StatementName[]): Promise<void>
  look(): Promise<RuntimeAnswer>
  /** In the same process, with fresh functions; the policies are those of the template again. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** Characters kept of what the process writes to its standard error. */
const MAX_SAID = 20_000

export async function changeableRuntime(assembly: string, state: string): Promise<ChangeableRuntime> {
  const child: ChildProcess = fork(resolve('test/e2e/iam-runtime.ts'), [assembly, state], {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  })
  const heard = heardFrom(child)
  await heard()
  const ask = async (order: RuntimeOrder): Promise<RuntimeAnswer> => {
    const answer = heard()
    child.send(order, () => undefined)
    return (await answer) as RuntimeAnswer
  }
  const connect = (): RunningRuntime => {
    const { endpoint, region, accessKeyId, secretAccessKey } = requireRuntime(state)
    const connection = { endpoint, region, credentials: { accessKeyId, secretAccessKey } }
    const stop = async (): Promise<void> => undefined
    return { state, pid: child.pid ?? 0, connection, clients: clientsOf(connection), stop, kill: stop }
  }
  let running = connect()
  const disconnect = (): void => {
    for (const client of Object.values(running.clients)) client.destroy()
  }
  return {
    runtime: () => running,
    without: async (statements) => void (await ask({ what: 'without', statements })),
    look: () => ask({ what: 'look' }),
    restart: async () => {
      disconnect()
      await ask({ what: 'restart' })
      running = connect()
    },
    stop: async () => {
      disconnect()
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      await ask({ what: 'stop' })
      await exited
    },
  }
}

/** Asks for the next message of a process; refused with what it last said when it ends instead, or has ended. */
function heardFrom(child: ChildProcess): () => Promise<unknown> {
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-MAX_SAID)
  })
  const ended = once(child, 'close').then(([code, signal]) => {
    throw new Error(`the runtime's process ended with ${signal ?? code}: ${said}`)
  })
  ended.catch(() => undefined)
  return async () => {
    const settled = new AbortController()
    const message = once(child, 'message', { signal: settled.signal })
    message.catch(() => undefined)
    try {
      const [answer] = await Promise.race([message, ended])
      return answer
    } finally {
      settled.abort()
    }
  }
}
