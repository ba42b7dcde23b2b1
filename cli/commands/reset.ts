import { existsSync, readdirSync, statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { findRuntime, stateDirectoryOf } from '../session.ts'

/** Files by which a state folder is known; a folder without any of them is not emptied. */
const MARKS = ['runtime.json', 'store', 'lock', 'objects', 'warehouse.duckdb', 'postgres']

async function confirmed(stateDirectory: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new CommandError(
      EXIT.wrongUse,
      'confirmation_needed',
      `Emptying "${stateDirectory}" needs a yes`,
      'Run: sluice reset --yes',
    )
  }
  const prompt = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await prompt.question(`Empty ${stateDirectory}? All objects, jobs and tables in it are lost. [y/N] `)
  prompt.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** `sluice reset`: empties the state folder of a runtime that is not running. */
export async function reset({ output, state, directory }: Invocation, options: { yes?: boolean }): Promise<ExitCode> {
  const stateDirectory = stateDirectoryOf(state, directory)
  if (existsSync(stateDirectory) && !statSync(stateDirectory).isDirectory())
    throw new CommandError(EXIT.wrongUse, 'not_a_state_folder', `"${stateDirectory}" is no folder`)
  const entries = existsSync(stateDirectory) ? readdirSync(stateDirectory) : []
  const runtime = findRuntime(stateDirectory)
  if (runtime !== null) {
    throw new CommandError(
      EXIT.impossible,
      'runtime_running',
      `A runtime (pid ${runtime.pid}) uses "${stateDirectory}"`,
      `Stop it first: kill ${runtime.pid}`,
    )
  }
  if (entries.length > 0 && !entries.some((entry) => MARKS.includes(entry))) {
    throw new CommandError(
      EXIT.wrongUse,
      'not_a_state_folder',
      `"${stateDirectory}" holds other files than those of a runtime: nothing was removed`,
    )
  }
  if (entries.length > 0 && options.yes !== true && !(await confirmed(stateDirectory))) return EXIT.no
  await Promise.all(entries.map((entry) => rm(join(stateDirectory, entry), { recursive: true, force: true })))
  output.result({ state: stateDirectory, removed: entries.length }, () => `${stateDirectory} is empty`)
  return EXIT.done
}
