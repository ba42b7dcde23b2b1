/** Warm sandboxes: one pool per function version. */
import type { DeployedFunction } from './deployed-function.ts'
import type { Invocation, InvocationResult, Sandbox } from './sandbox.ts'

export interface SandboxPool {
  /** Waits for a free sandbox where as many as may live are busy; waiting does not count as running time. */
  invoke(deployed: DeployedFunction, invocation: Invocation): Promise<InvocationResult>
  /** Starts one sandbox ahead of the first invocation; resolves when it is loaded. */
  warm(deployed: DeployedFunction): Promise<void>
  close(): Promise<void>
}

interface VersionPool {
  readonly idle: Sandbox[]
  alive: number
  readonly waiting: ((sandbox: Sandbox) => void)[]
}

/** @param sandboxesPerVersion bounds the memory of the machine, not the concurrency that AWS would allow */
export function createSandboxPool(
  start: (deployed: DeployedFunction) => Sandbox,
  sandboxesPerVersion: number,
): SandboxPool {
  const pools = new Map<string, VersionPool>()
  const all = new Set<Sandbox>()

  const poolOf = (deployed: DeployedFunction): VersionPool => {
    const key = `${deployed.arn}:${deployed.version}:${deployed.revisionId}`
    const found = pools.get(key)
    if (found !== undefined) return found
    const made: VersionPool = { idle: [], alive: 0, waiting: [] }
    pools.set(key, made)
    return made
  }
  const begin = (deployed: DeployedFunction, pool: VersionPool): Sandbox => {
    pool.alive += 1
    const sandbox = start(deployed)
    all.add(sandbox)
    return sandbox
  }
  const take = (deployed: DeployedFunction, pool: VersionPool): Promise<Sandbox> => {
    const idle = pool.idle.pop()
    if (idle !== undefined)
      return idle.usable() ? Promise.resolve(idle) : drop(idle, pool).then(() => take(deployed, pool))
    if (pool.alive < sandboxesPerVersion) return Promise.resolve(begin(deployed, pool))
    return new Promise((resolve) => pool.waiting.push(resolve))
  }
  const drop = async (sandbox: Sandbox, pool: VersionPool): Promise<void> => {
    pool.alive -= 1
    all.delete(sandbox)
    await sandbox.close()
  }
  const release = async (deployed: DeployedFunction, sandbox: Sandbox, pool: VersionPool): Promise<void> => {
    const next = pool.waiting.shift()
    if (sandbox.usable()) {
      if (next === undefined) pool.idle.push(sandbox)
      else next(sandbox)
      return
    }
    await drop(sandbox, pool)
    if (next !== undefined) next(begin(deployed, pool))
  }
  return {
    invoke: async (deployed, invocation) => {
      const pool = poolOf(deployed)
      const sandbox = await take(deployed, pool)
      try {
        return await sandbox.invoke(invocation)
      } finally {
        await release(deployed, sandbox, pool)
      }
    },
    warm: async (deployed) => {
      const pool = poolOf(deployed)
      if (pool.alive > 0) return
      const sandbox = begin(deployed, pool)
      pool.idle.push(sandbox)
      await sandbox.loaded
    },
    close: async () => {
      await Promise.all([...all].map((sandbox) => sandbox.close()))
    },
  }
}
