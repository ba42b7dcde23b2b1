/** Peers that serve Step Functions and S3 in memory: moto's server and ministack, from an environment of the bench. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { peakMbOf, runCommand } from '../processes.ts'
import type { Endpoint } from './sign-request.ts'

export interface PeerServer {
  readonly name: string
  readonly endpoint: Endpoint
  peakMb(): number | null
  stop(): Promise<void>
}

interface PeerSource {
  readonly name: string
  command(port: number): { readonly args: readonly string[]; readonly environment: NodeJS.ProcessEnv }
  /** After it answers. */
  prepare?(url: string): Promise<void>
}

const ENVIRONMENT = resolve('.cache', 'bench-servers')
const PACKAGES = ['moto[server]==5.2.5', 'ministack==1.5.33']

const program = (name: string): string => join(ENVIRONMENT, 'bin', name)
/** Programs are started by the interpreter: the first lines of their scripts name the folder that the environment was made in. */
const PYTHON = program('python')

export const MOTO: PeerSource = {
  name: 'moto',
  command: (port) => ({
    args: [PYTHON, '-m', 'moto.server', '--host', '127.0.0.1', '--port', String(port)],
    environment: {},
  }),
  // Without it moto says SUCCEEDED to machines that it never ran.
  prepare: async (url) => {
    await fetch(`${url}/moto-api/config`, {
      method: 'POST',
      body: JSON.stringify({ stepfunctions: { execute_state_machine: true } }),
    })
  },
}

export const MINISTACK: PeerSource = {
  name: 'ministack',
  command: (port) => ({ args: [PYTHON, program('ministack')], environment: { GATEWAY_PORT: String(port) } }),
}

/** Makes the Python environment once. @returns why there is none, or `null` */
async function prepareEnvironment(): Promise<string | null> {
  if (existsSync(program('moto_server')) && existsSync(program('ministack'))) return null
  const python = process.env.PYTHON ?? 'python3'
  mkdirSync(resolve('.cache'), { recursive: true })
  const made = await runCommand(python, ['-m', 'venv', ENVIRONMENT]).catch(() => null)
  if (made === null) return `${python} is not installed`
  if (made.code !== 0) return `${python} cannot make a virtual environment: ${made.stderr.trim().split('\n').at(-1)}`
  const installed = await runCommand(PYTHON, ['-m', 'pip', 'install', '--quiet', ...PACKAGES])
  return installed.code === 0 ? null : `pip cannot install ${PACKAGES.join(' ')}`
}

/** Starts a peer on a free port. @returns the reason where it cannot be had */
export async function startPeer(source: PeerSource, scratch: string): Promise<PeerServer | string> {
  const missing = await prepareEnvironment()
  if (missing !== null) return missing
  const port = await freePort()
  const { args, environment } = source.command(port)
  const [command = '', ...rest] = args
  const log = openSync(join(scratch, `${source.name}.log`), 'w')
  const child = spawn(command, rest, { stdio: ['ignore', log, log], env: { ...process.env, ...environment } })
  const url = `http://127.0.0.1:${port}`
  if (!(await answers(url, child))) {
    child.kill('SIGKILL')
    return `${source.name} does not answer on port ${port}`
  }
  await source.prepare?.(url)
  return {
    name: source.name,
    endpoint: { url, region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } },
    peakMb: () => peakMbOf(child.pid ?? 0),
    stop: async () => {
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await Promise.race([ended, new Promise((done) => setTimeout(done, 3_000).unref())])
      child.kill('SIGKILL')
    },
  }
}

const START_MILLIS = 60_000
const LOOK_AGAIN_MILLIS = 100

async function answers(url: string, child: ChildProcess): Promise<boolean> {
  const until = performance.now() + START_MILLIS
  while (performance.now() < until && child.exitCode === null) {
    const answer = await fetch(url).catch(() => null)
    if (answer !== null) return true
    await new Promise((done) => setTimeout(done, LOOK_AGAIN_MILLIS))
  }
  return false
}

function freePort(): Promise<number> {
  const server = createServer()
  return new Promise((done, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => done(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}
