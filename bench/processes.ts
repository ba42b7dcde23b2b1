/** Processes of a benchmark: starting them, and the memory they needed. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'

const statusOf = (pid: number): string => {
  const file = `/proc/${pid}/status`
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

const figure = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0)

/** Peak resident memory of a process and of its living children in MB (10^6 bytes); `null` where the system does not tell. */
export const peakMbOf = (pid: number): number | null => memoryMbOf(pid, 'VmHWM')

/** The same of what is resident now. */
export const residentMbOf = (pid: number): number | null => memoryMbOf(pid, 'VmRSS')

function memoryMbOf(pid: number, member: 'VmHWM' | 'VmRSS'): number | null {
  const status = statusOf(pid)
  if (status === '') return null
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => figure(statusOf(Number(name)), 'PPid') === pid)
  const below = children.map((child) => memoryMbOf(Number(child), member) ?? 0).reduce((sum, each) => sum + each, 0)
  return Math.round((figure(status, member) * 1024) / 1e6) + below
}

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly seconds: number
}

/** Runs a command to its end. */
export function runCommand(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Finished> {
  const began = performance.now()
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env: environment })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  return new Promise((done, failed) => {
    child.once('error', failed)
    child.once('close', (code) =>
      done({
        code: code ?? 1,
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
        seconds: (performance.now() - began) / 1000,
      }),
    )
  })
}
