import { spawn } from 'node:child_process'
import { resolve } from 'node:path'

export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

const SLUICE = resolve('cli/bin/sluice.mjs')

/** Runs the built command, as a user would, and waits for its end. */
export async function sluice(args: readonly string[], directory = process.cwd()): Promise<Ended> {
  const child = spawn(process.execPath, [SLUICE, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '' },
  })
  const texts = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    texts.stdout += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    texts.stderr += chunk.toString('utf8')
  })
  const exitCode = await new Promise<number | null>((done) => child.once('close', done))
  return { exitCode, ...texts }
}

/** The one JSON document on stdout. */
export const documentOf = ({ stdout }: Ended): unknown => JSON.parse(stdout)
