/** What people wait for: a small file, a start on an existing state, the help text. */
import { statSync } from 'node:fs'
import type { BenchContext } from './context.ts'
import { runCommand } from './processes.ts'
import { alone, type Report, sharesOf } from './report.ts'
import { SLUICE } from './runtime.ts'

/** About 10 KB. */
const SMALL_ROWS = 110
const ROUNDS = 7

export const median = (values: readonly number[]): number =>
  [...values].sort((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN

/** Drop to queryable of 10 KB on a running, warm runtime: the median of several files. */
export async function smallFile(context: BenchContext): Promise<Report> {
  const runtime = await context.runtime()
  const first = await context.ordersFile(SMALL_ROWS, 100)
  await runtime.drop(first, 'warm-up.csv')
  const drops = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const file = await context.ordersFile(SMALL_ROWS, 101 + round)
    drops.push(await runtime.drop(file, `small-${round}.csv`))
  }
  const seconds = median(drops.map((drop) => drop.seconds))
  const typical = drops.find((drop) => drop.seconds === seconds)
  context.note(`small-file: ${statSync(first).size} bytes, median of ${ROUNDS}`)
  const stages = sharesOf(typical?.stages ?? [], seconds)
  return {
    measurements: [alone('small-file', seconds, { rows: SMALL_ROWS, peakMb: runtime.peakMb(), stages })],
    skipped: [],
  }
}

/** `sluice up` on a state in which something was deployed and loaded. */
export async function ready(context: BenchContext): Promise<Report> {
  await context.runtime()
  const times: number[] = []
  for (let round = 0; round < 3; round += 1) {
    await context.stopRuntime()
    times.push((await context.runtime()).readySeconds)
  }
  return { measurements: [alone('ready', median(times))], skipped: [] }
}

/** `sluice up` on an empty state: everything is made and deployed. */
export async function readyFresh(context: BenchContext): Promise<Report> {
  const { readySeconds } = await context.freshRuntime()
  return { measurements: [alone('ready-fresh', readySeconds)], skipped: [] }
}

/** `sluice --help` */
export async function help(): Promise<Report> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    times.push((await runCommand(process.execPath, [SLUICE, '--help'])).seconds)
  return { measurements: [alone('help', median(times))], skipped: [] }
}
