import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startRuntime } from '../../local/runtime.ts'
import { systemClock } from '../../local/system-clock.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { stateDirectoryOf } from '../session.ts'

interface UpOptions {
  readonly port: string
  readonly assembly: string
  readonly engine: string
  readonly database?: string
}

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new CommandError(
    EXIT.wrongUse,
    'invalid_port',
    `Cannot use "${text}" as --port: expected a number from 0 to 65535`,
  )
}

/** @throws CommandError `assembly_missing` */
export function requireAssembly(directory: string, assembly: string): string {
  const path = resolve(directory, assembly)
  if (existsSync(join(path, 'manifest.json'))) return path
  throw new CommandError(
    EXIT.impossible,
    'assembly_missing',
    `No cloud assembly in "${path}": manifest.json is missing`,
    'Write one with: npm run synth',
  )
}

const interrupted = (): Promise<void> =>
  new Promise((done) => {
    process.once('SIGINT', () => done())
    process.once('SIGTERM', () => done())
  })

/** `sluice up`: runs until SIGINT or SIGTERM. */
export async function up({ output, state, directory }: Invocation, options: UpOptions): Promise<ExitCode> {
  const stateDirectory = stateDirectoryOf(state, directory)
  if (options.engine !== 'embedded' && options.engine !== 'spark') {
    throw new CommandError(
      EXIT.wrongUse,
      'invalid_engine',
      `Cannot use "${options.engine}" as --engine: expected embedded or spark`,
    )
  }
  // What the engines write in the state folder is for its owner only, whatever folder it lies in.
  process.umask(0o077)
  const stop = interrupted()
  const runtime = await startRuntime({
    assemblyDirectory: requireAssembly(directory, options.assembly),
    stateDirectory,
    port: parsePort(options.port),
    clock: systemClock,
    engine: options.engine,
    databaseUrl: options.database ?? null,
    log: (line) => output.note(line),
  })
  const ready = { ready: true, endpoint: runtime.endpoint, state: stateDirectory, pid: process.pid }
  process.stdout.write(
    output.json
      ? `${JSON.stringify(ready)}\n`
      : `Sluice is ready at ${runtime.endpoint} (state in ${stateDirectory}); stop it with Ctrl-C\n`,
  )
  await stop
  await runtime.close()
  return EXIT.done
}
