/** Drop to queryable: from the PUT of generated orders to a query that sees them, beside peers on the same file. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { BenchContext } from './context.ts'
import { dlt, duckdbScript, type PeerOrder, type PeerOutcome, peerFolder, spark } from './peers.ts'
import { type Measurement, type Report, round, sharesOf } from './report.ts'

const PEERS: readonly { readonly name: string; readonly run: (order: PeerOrder) => Promise<PeerOutcome> }[] = [
  { name: 'end-to-end', run: duckdbScript },
  { name: 'end-to-end-vs-dlt', run: dlt },
  { name: 'end-to-end-vs-spark', run: spark },
]

export async function endToEnd(context: BenchContext): Promise<Report> {
  const csv = await context.ordersFile(context.rows, 1)
  const runtime = await context.freshRuntime()
  const { job, seconds, stages } = await runtime.drop(csv, 'orders.csv')
  const measured = {
    rows: job.counts?.input ?? 0,
    seconds: round(seconds),
    peakMb: runtime.peakMb(),
    stages: sharesOf(stages, seconds),
  }
  await context.stopRuntime()
  const outcomes: { name: string; outcome: PeerOutcome }[] = []
  for (const { name, run } of PEERS) {
    const folder = peerFolder(context.scratch, name)
    context.note(`${name}: the peer works on ${join(csv)}`)
    outcomes.push({ name, outcome: await run({ csv, folder }) })
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    measurements: outcomes.flatMap(({ name, outcome }, index): Measurement[] => {
      if ('skipped' in outcome && index > 0) return []
      const peer = 'result' in outcome ? outcome.result : null
      return [
        {
          name,
          ...measured,
          stages: index === 0 ? measured.stages : [],
          peer: peer?.peer ?? null,
          peerSeconds: peer === null ? null : round(peer.seconds),
          ratio: peer === null ? null : round(seconds / peer.seconds),
        },
      ]
    }),
    skipped: outcomes.flatMap(({ outcome }) => ('skipped' in outcome ? [outcome.skipped] : [])),
  }
}
