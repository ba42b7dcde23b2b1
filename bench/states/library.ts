/** aws-local-stepfunctions: the States Language as a library, in memory and without a history, on a Node of its own. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isJsonObject } from '../../core/json.ts'
import { runCommand } from '../processes.ts'
import type { MeasuredMachine } from './machines.ts'
import { ROUNDS_AT_ONCE, type Rounds, type Seconds, WARMING } from './run-machine.ts'

const FOLDER = resolve('.cache', 'bench-library')
/** The library asks for Node 22; the package `node` brings one. */
const NODE = join(FOLDER, 'node_modules', 'node', 'bin', 'node')
const PACKAGES = ['node@22.23.3', 'aws-local-stepfunctions@3.0.0']

async function prepare(): Promise<string | null> {
  if (existsSync(NODE) && existsSync(join(FOLDER, 'node_modules', 'aws-local-stepfunctions'))) return null
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(join(FOLDER, 'package.json'), JSON.stringify({ name: 'bench-library', private: true }))
  const installed = await runCommand('npm', ['install', '--prefix', FOLDER, '--no-audit', '--no-fund', ...PACKAGES])
  return installed.code === 0 && existsSync(NODE) ? null : `npm cannot install ${PACKAGES.join(' ')}`
}

/** Runs the machine in the library. @returns the reason where it cannot be had */
export async function runInLibrary(
  machine: MeasuredMachine,
  rounds: Rounds,
  scratch: string,
): Promise<Seconds | string> {
  const missing = await prepare()
  if (missing !== null) return missing
  const file = join(scratch, `library-${machine.name}.json`)
  const definition: unknown = JSON.parse(machine.definition('JSONPath'))
  writeFileSync(file, JSON.stringify({ definition, input: machine.input }))
  const script = resolve('bench', 'peers', 'local-stepfunctions.mjs')
  const { code, stdout, stderr } = await runCommand(NODE, [
    script,
    file,
    String(rounds.atOnce),
    String(ROUNDS_AT_ONCE),
    String(WARMING.rounds),
    String(rounds.inTurn),
    FOLDER,
  ])
  if (code !== 0) return stderr.trim().split('\n').at(-1) ?? `exit code ${code}`
  const found: unknown = JSON.parse(stdout)
  if (!isJsonObject(found)) throw new Error(`Cannot read what the library answered: ${stdout.slice(0, 200)}`)
  return { atOnce: Number(found.atOnce), warm: Number(found.warm), inTurn: Number(found.inTurn) }
}
