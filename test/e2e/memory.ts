import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { RunningRuntime, UpOptions } from './harness.ts'
import { objectOf } from './json.ts'
import { eventually } from './operator.ts'

/** What a process holds after a full collection of garbage. */
export interface MemoryReport {
  /** Of JavaScript. */
  readonly heapBytes: number
  /** Of the whole process, its engines included; pages of files, which the system takes back when it needs them, do not count. */
  readonly anonymousBytes: number
}

const reportOf = (folder: string): string => join(folder, 'memory.json')

/** Lets a runtime be asked by {@link memoryOf}. @param folder of the test */
export const reportingMemory = (folder: string): NonNullable<UpOptions['environment']> => ({
  NODE_OPTIONS: `--import ${resolve('test/e2e/memory-report.mjs')}`,
  SLUICE_MEMORY_REPORT: reportOf(folder),
})

/** Of a runtime that was started with {@link reportingMemory}. */
export async function memoryOf({ pid }: RunningRuntime, folder: string): Promise<MemoryReport> {
  const file = reportOf(folder)
  rmSync(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  const text = await eventually('the memory report', async () => (existsSync(file) ? readFileSync(file, 'utf8') : null))
  const { heapBytes, anonymousBytes } = objectOf(JSON.parse(text))
  return { heapBytes: Number(heapBytes), anonymousBytes: Number(anonymousBytes) }
}
