/** What the benchmarks of one run share: input files, one state folder, one runtime at a time. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from './processes.ts'
import { type MeasuredRuntime, startRuntime } from './runtime.ts'

/** How much the benchmarks of the services do. */
export interface BenchSizes {
  /** Small objects that are put and got. */
  readonly objects: number
  /** Size of the large object, in MiB. */
  readonly objectMb: number
  /** Executions on disk when the runtime starts. */
  readonly executions: number
}

export interface BenchContext {
  /** Rows of the large file. */
  readonly rows: number
  readonly sizes: BenchSizes
  /** A folder of its own, removed at the end. */
  readonly scratch: string
  note(message: string): void
  /** Generated orders of one tenant; made once for a number of rows and a seed. */
  ordersFile(rows: number, seed: number): Promise<string>
  /** A runtime on an empty state folder; the one before is stopped. */
  freshRuntime(): Promise<MeasuredRuntime>
  /** A runtime on the state folder as it is, which is made first where there is none. */
  runtime(): Promise<MeasuredRuntime>
  stopRuntime(): Promise<void>
  close(): Promise<void>
}

export function openContext(rows: number, sizes: BenchSizes, note: (message: string) => void): BenchContext {
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  const state = join(scratch, 'state')
  const files = new Map<string, Promise<string>>()
  let running: MeasuredRuntime | null = null
  const stopRuntime = async (): Promise<void> => {
    await running?.stop()
    running = null
  }
  const runtime = async (): Promise<MeasuredRuntime> => {
    running ??= await startRuntime(state)
    return running
  }
  return {
    rows,
    sizes,
    scratch,
    note,
    ordersFile: (count, seed) => {
      const file = join(scratch, `orders-${count}-${seed}.csv`)
      const made = files.get(file) ?? generate(file, count, seed)
      files.set(file, made)
      return made
    },
    freshRuntime: async () => {
      await stopRuntime()
      rmSync(state, { recursive: true, force: true })
      return runtime()
    },
    runtime,
    stopRuntime,
    close: async () => {
      await stopRuntime()
      rmSync(scratch, { recursive: true, force: true })
    },
  }
}

async function generate(file: string, rows: number, seed: number): Promise<string> {
  const options = ['--tenant', 'acme', '--rows', String(rows), '--seed', String(seed), '--out', file]
  const { code, stderr } = await runCommand(process.execPath, [
    '--import',
    'tsx',
    'scripts/generate.ts',
    'orders',
    ...options,
  ])
  if (code !== 0) throw new Error(`Cannot generate ${file}: ${stderr}`)
  return file
}
