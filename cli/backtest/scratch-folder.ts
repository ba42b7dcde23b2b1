import { rmSync } from 'node:fs'
import { lstat, mkdtemp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** A folder for rows of tenants, which nobody is to find later. */
export interface ScratchFolder {
  readonly path: string
  remove(): Promise<void>
}

const NAME = /^sluice-backtest-(\d+)-/
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

const codeOf = (thrown: unknown): unknown => (thrown instanceof Error && 'code' in thrown ? thrown.code : null)

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (thrown) {
    return codeOf(thrown) === 'EPERM'
  }
}

async function isOwn(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).uid === process.getuid?.()
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return false
    throw thrown
  }
}

/** Deletes what processes of this user left that were killed. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, pid] = NAME.exec(name) ?? []
    if (pid === undefined || isRunning(Number(pid)) || !(await isOwn(join(parent, name)))) continue
    await rm(join(parent, name), { recursive: true, force: true })
  }
}

/**
 * Makes a folder that is gone when `remove` was called or the process is told to end; where the process is killed, the next one
 * deletes it. @param parent the system's folder of temporary files
 */
export async function openScratchFolder(parent: string): Promise<ScratchFolder> {
  await removeAbandoned(parent)
  const path = await mkdtemp(join(parent, `sluice-backtest-${process.pid}-`))
  const ended = (signal: NodeJS.Signals): void => {
    for (const name of SIGNALS) process.off(name, ended)
    rmSync(path, { recursive: true, force: true, maxRetries: 5 })
    process.kill(process.pid, signal)
  }
  for (const name of SIGNALS) process.on(name, ended)
  return {
    path,
    remove: async () => {
      for (const name of SIGNALS) process.off(name, ended)
      await rm(path, { recursive: true, force: true })
    },
  }
}
