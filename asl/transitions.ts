import type { Scope, State } from './definition.ts'

/** An edge of a definition: one way from a state to another of the same scope. */
export interface Transition {
  readonly from: string
  readonly to: string
  /** `choice 0` and `catch 0` count from 0 in the order of the definition. */
  readonly kind: 'next' | 'default' | `choice ${number}` | `catch ${number}`
}

const ofState = (state: State): readonly Transition[] => {
  const edge = (to: string, kind: Transition['kind']): Transition => ({ from: state.name, to, kind })
  return [
    ...(state.next === null ? [] : [edge(state.next, 'next')]),
    ...state.choices.map((to, position) => edge(to, `choice ${position}`)),
    ...(state.default === null ? [] : [edge(state.default, 'default')]),
    ...state.catch.map(({ next }, position) => edge(next, `catch ${position}`)),
    ...state.inner.flatMap(transitionsOf),
  ]
}

/** Every transition of a definition, those inside Maps and branches included, in the order of the file. */
export const transitionsOf = (scope: Scope): readonly Transition[] => scope.states.flatMap(ofState)

/** `GatePassed -[choice 1]-> Quarantine` */
export const printTransition = ({ from, to, kind }: Transition): string => `${from} -[${kind}]-> ${to}`

/** The states that can be entered from these, these included. */
export function reachableFrom(scope: Scope, starts: readonly string[]): ReadonlySet<string> {
  const edges = transitionsOf(scope)
  const reached = new Set(starts)
  for (const state of reached) for (const { from, to } of edges) if (from === state) reached.add(to)
  return reached
}

/** How many states the shortest way enters, both ends included; `null` where there is no way. */
export function shortestWay(scope: Scope, from: string, to: string): number | null {
  const edges = transitionsOf(scope)
  const entered = new Map([[from, 1]])
  for (const [state, count] of entered) {
    if (state === to) return count
    for (const edge of edges) if (edge.from === state && !entered.has(edge.to)) entered.set(edge.to, count + 1)
  }
  return null
}
