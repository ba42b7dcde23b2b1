import { type HistoryEvent, ListExecutionsCommand, type SFNClient } from '@aws-sdk/client-sfn'
import type { Scope, State } from '../../asl/definition.ts'
import { type Transition, transitionsOf } from '../../asl/transitions.ts'
import { isJsonObject } from './json.ts'

export { historyOf } from '../../cli/executions/read.ts'

/** Every execution of a machine. */
export async function executionsOf(states: SFNClient, stateMachineArn: string): Promise<string[]> {
  const arns: string[] = []
  let nextToken: string | undefined
  do {
    const page = await states.send(
      new ListExecutionsCommand({ stateMachineArn, ...(nextToken === undefined ? {} : { nextToken }) }),
    )
    arns.push(...(page.executions ?? []).map(({ executionArn }) => executionArn ?? ''))
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return arns
}

const inputOf = (event: HistoryEvent): Record<string, unknown> => {
  const value: unknown = JSON.parse(event.stateEnteredEventDetails?.input ?? 'null')
  return isJsonObject(value) ? value : {}
}

/** Which of two ways to the same state a Choice took, where only its input tells. */
const CHOICES: Readonly<Record<string, (input: Record<string, unknown>, to: string) => Transition['kind']>> = {
  GatePassed: ({ gate }) => (gate === 'FAIL' ? 'choice 1' : 'default'),
  TransformOutcome: ({ outcome, reasonCode }, to) => {
    if (to === 'KeepFailure') return reasonCode === 'counts_do_not_reconcile' ? 'choice 1' : 'choice 0'
    return outcome === 'refused' ? 'choice 2' : 'choice 3'
  },
  BatchFinished: ({ status }) => (status === 'FINISHED' ? 'choice 0' : 'choice 1'),
}

/** One stay in a state. */
interface Visit {
  readonly entered: HistoryEvent
  /** What the history has right before the exit. */
  readonly last: HistoryEvent | undefined
}

const FAILED = /Failed$|TimedOut$/

function kindOf(ways: readonly Transition[], { entered, last }: Visit): Transition['kind'] | null {
  const failed = FAILED.test(last?.type ?? '')
  const fitting = ways.filter(({ kind }) => kind.startsWith('catch') === failed)
  if (fitting.length <= 1) return fitting[0]?.kind ?? null
  const [{ from, to } = { from: '', to: '' }] = fitting
  return CHOICES[from]?.(inputOf(entered), to) ?? null
}

/** A state that a test put before another one; what leads to it leads to the other one. */
const PAUSE = /^Before /

/**
 * The edges of a definition that an execution took.
 * @throws Error for a way that the definition does not have, or that cannot be told from another one
 */
export function edgesOf(scope: Scope, events: readonly HistoryEvent[]): readonly Transition[] {
  const known = transitionsOf(scope)
  const byId = new Map(events.map((event) => [event.id, event]))
  const before = (event: HistoryEvent | undefined): HistoryEvent | undefined =>
    event?.previousEventId === undefined ? undefined : byId.get(event.previousEventId)
  const visitOf = (exited: HistoryEvent): Visit => {
    const name = exited.stateExitedEventDetails?.name
    const last = before(exited)
    let event = last
    while (event !== undefined && event.stateEnteredEventDetails?.name !== name) event = before(event)
    if (event === undefined) throw new Error(`${name} was left but never entered`)
    return { entered: event, last }
  }
  return events.flatMap((event) => {
    const to = event.stateEnteredEventDetails?.name
    if (to === undefined || PAUSE.test(to)) return []
    let exited = before(event)
    if (PAUSE.test(exited?.stateExitedEventDetails?.name ?? '') && exited !== undefined)
      exited = before(visitOf(exited).entered)
    const from = exited?.stateExitedEventDetails?.name
    if (from === undefined || exited === undefined) return []
    const ways = known.filter((edge) => edge.from === from && edge.to === to)
    const kind = kindOf(ways, visitOf(exited))
    if (kind === null) throw new Error(`the definition does not tell how ${from} led to ${to}`)
    return [{ from, to, kind }]
  })
}

/** States of a definition by name, nested ones included. */
export const stateNames = (scope: Scope): readonly string[] =>
  scope.states.flatMap((state: State) => [state.name, ...state.inner.flatMap(stateNames)])
