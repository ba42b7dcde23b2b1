/** One process owns a state folder: a lock file that names it, taken over once that process is gone. */

import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, SluiceError } from '../core/errors.ts'

/**
 * Takes a state folder for this process and returns what gives it back.
 * @throws SluiceError `state_in_use` when a live process has it, `state_unreadable` when the folder cannot be written
 */
export function takeOwnership(stateFolder: string): () => void {
  const lockFile = join(stateFolder, 'owner.lock')
  const self = identify(process.pid)
  const ownFile = `${lockFile}.${process.pid}`
  try {
    mkdirSync(stateFolder, { recursive: true, mode: 0o700 })
    writeFileSync(ownFile, self, { mode: 0o600 })
  } catch (cause) {
    throw new SluiceError(
      'state_unreadable',
      `Cannot write to the state folder "${stateFolder}": ${messageOf(cause)}`,
      {
        cause,
      },
    )
  }
  try {
    while (!linked(ownFile, lockFile)) removeStale(lockFile, stateFolder)
  } finally {
    rmSync(ownFile, { force: true })
  }
  return () => rmSync(lockFile, { force: true })
}

/** `link` fails if the name exists, so of two processes one wins. */
function linked(file: string, name: string): boolean {
  try {
    linkSync(file, name)
    return true
  } catch (thrown) {
    if (codeOf(thrown) === 'EEXIST') return false
    throw thrown
  }
}

function removeStale(lockFile: string, stateFolder: string): void {
  const owner = readOrNull(lockFile)
  if (owner === null) return
  const pid = Number.parseInt(owner, 10)
  if (owner === identify(pid)) {
    throw new SluiceError('state_in_use', `Cannot use the state folder "${stateFolder}" as process ${pid} runs on it`, {
      hint: 'Stop that process, or give another folder with --state.',
    })
  }
  const aside = `${lockFile}.stale-${process.pid}`
  try {
    renameSync(lockFile, aside)
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return
    throw thrown
  }
  // Another process may have taken the stale lock over between our reading and renaming: give it back.
  if (readOrNull(aside) !== owner) linked(aside, lockFile)
  rmSync(aside, { force: true })
}

/** `pid`, and where the system tells, when it started and in which boot: a reused pid is another process. */
function identify(pid: number): string {
  if (!isAlive(pid)) return `${pid} gone`
  const stat = readOrNull(`/proc/${pid}/stat`)
  const startTicks = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown'
  const boot = readOrNull('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown'
  return `${pid} ${startTicks} ${boot}\n`
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return codeOf(thrown) === 'EPERM'
  }
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return null
    throw thrown
  }
}

const codeOf = (thrown: unknown): unknown =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined
