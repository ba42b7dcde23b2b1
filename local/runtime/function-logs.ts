/** What functions print: one file a function in the state folder. */
import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../service.ts'

export interface FunctionLogs {
  write(functionName: string, line: string): void
  close(): Promise<void>
}

/** @param directory made where it is missing, readable by its owner only */
export function openFunctionLogs(directory: string, clock: Clock): FunctionLogs {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const streams = new Map<string, WriteStream>()
  const streamOf = (name: string): WriteStream => {
    const open = streams.get(name)
    if (open !== undefined) return open
    const made = createWriteStream(join(directory, `${name}.log`), { flags: 'a', mode: 0o600 })
    streams.set(name, made)
    return made
  }
  return {
    write: (functionName, line) => void streamOf(functionName).write(`${clock.now().toISOString()} ${line}\n`),
    close: async () => {
      await Promise.all([...streams.values()].map((stream) => new Promise<void>((resolve) => stream.end(resolve))))
    },
  }
}
