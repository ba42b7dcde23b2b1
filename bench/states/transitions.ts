/** State transitions a second: durable here, in memory at the peers; the same machine in the same run. */
import type { BenchContext } from '../context.ts'
import { type Measurement, type Report, round, type Skipped } from '../report.ts'
import { runInLibrary } from './library.ts'
import { CHAIN, type Language, MAP, type MeasuredMachine } from './machines.ts'
import { createMachine, measure, type Rounds, type Seconds } from './run-machine.ts'
import { MINISTACK, MOTO, startPeer } from './servers.ts'
import type { Endpoint } from './sign-request.ts'
import { signedClient } from './signed-client.ts'
import { warmClient } from './warm-client.ts'

type Outcome = Seconds | string

/** 200 executions at once and 30 one after another, of twenty Pass states. */
export const transitions = (context: BenchContext): Promise<Report> =>
  compare(context, CHAIN, { atOnce: 200, inTurn: 30 })

/** An inline Map of a thousand items, at once and one after another. */
export const inlineMap = (context: BenchContext): Promise<Report> => compare(context, MAP, { atOnce: 20, inTurn: 3 })

async function compare(context: BenchContext, machine: MeasuredMachine, rounds: Rounds): Promise<Report> {
  const runtime = await context.runtime()
  await warmClient()
  const own = await measureAt(runtime.endpoint, machine, 'JSONata', rounds)
  context.note(`${machine.name}: ${rateText(machine, rounds, own)}`)
  const peers: (readonly [string, Outcome])[] = []
  const add = (name: string, outcome: Outcome): void => {
    peers.push([name, outcome])
    context.note(
      `${machine.name} ${name}: ${typeof outcome === 'string' ? outcome : rateText(machine, rounds, outcome)}`,
    )
  }
  add('aws-local-stepfunctions', await runInLibrary(machine, rounds, context.scratch))
  add('ministack', await peer(MINISTACK, 'JSONata', machine, rounds, context.scratch))
  add('moto', await peer(MOTO, 'JSONPath', machine, rounds, context.scratch))
  const measurements: Measurement[] = []
  const skipped: Skipped[] = []
  for (const [name, outcome] of peers) {
    if (typeof outcome === 'string') skipped.push({ name: `${machine.name} ${name}`, reason: outcome })
    else
      measurements.push(
        ...(['atOnce', 'warm', 'inTurn'] as const).map((way) => beside(machine, way, rounds, own, name, outcome)),
      )
  }
  return { measurements, skipped }
}

const rateText = ({ transitions }: MeasuredMachine, { atOnce, inTurn }: Rounds, seconds: Seconds): string =>
  `${Math.round((atOnce * transitions) / seconds.atOnce)} transitions/s at once, ${Math.round((atOnce * transitions) / seconds.warm)} warm, ${Math.round((inTurn * transitions) / seconds.inTurn)} in turn`

const WAYS: Readonly<Record<keyof Seconds, string>> = {
  atOnce: 'at once',
  warm: 'at once, warm',
  inTurn: 'in turn',
}

function beside(
  machine: MeasuredMachine,
  way: keyof Seconds,
  rounds: Rounds,
  own: Seconds,
  peerName: string,
  other: Seconds,
): Measurement {
  const count = (way === 'inTurn' ? rounds.inTurn : rounds.atOnce) * machine.transitions
  return {
    name: `${machine.name} ${WAYS[way]}`,
    rows: count,
    seconds: round(own[way]),
    peer: peerName,
    peerSeconds: round(other[way]),
    ratio: round(own[way] / other[way]),
    peakMb: null,
    stages: [],
    perSecond: { unit: 'transitions', own: Math.round(count / own[way]), peer: Math.round(count / other[way]) },
  }
}

async function measureAt(
  endpoint: Endpoint,
  machine: MeasuredMachine,
  language: Language,
  rounds: Rounds,
): Promise<Seconds> {
  // Executions at once are at once: none waits for another's connection.
  const client = signedClient(endpoint, rounds.atOnce)
  try {
    const name = `bench-${machine.name}-${Date.now()}`
    return await measure(client, await createMachine(client, name, machine.definition(language)), machine, rounds)
  } finally {
    client.close()
  }
}

async function peer(
  source: typeof MOTO,
  language: Language,
  machine: MeasuredMachine,
  rounds: Rounds,
  scratch: string,
): Promise<Outcome> {
  const server = await startPeer(source, scratch)
  if (typeof server === 'string') return server
  try {
    return await measureAt(server.endpoint, machine, language, rounds)
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown)
  } finally {
    await server.stop()
  }
}
