import { isJsonObject } from '../../core/json.ts'
import type { Diagnostics } from './diagnostics.ts'

/** Reports targets that are not among the states, and states that no way from the first one leads to. `path`: of the scope. */
export function checkTransitions(
  states: Record<string, unknown>,
  startAt: string,
  path: string,
  diagnostics: Diagnostics,
): void {
  for (const [name, state] of Object.entries(states))
    for (const [field, target] of transitionsOf(state))
      if (states[target] === undefined)
        diagnostics.error(
          'MISSING_TRANSITION_TARGET',
          `Missing '${field.split('/').at(-1)}' target: ${target}`,
          `${path}/States/${name}/${field}`,
        )
  const reached = reachedFrom(startAt, states)
  for (const name of Object.keys(states))
    if (!reached.has(name))
      diagnostics.error('MISSING_TRANSITION_TARGET', `State "${name}" is not reachable.`, `${path}/States/${name}`)
}

function reachedFrom(startAt: string, states: Record<string, unknown>): ReadonlySet<string> {
  const reached = new Set([startAt])
  // A set that grows while it is walked is walked to its end.
  for (const name of reached) for (const [, target] of transitionsOf(states[name])) reached.add(target)
  return reached
}

/** Fields that name a following state, with its name. */
function transitionsOf(state: unknown): readonly (readonly [field: string, target: string])[] {
  if (!isJsonObject(state)) return []
  const direct = ['Next', 'Default'].flatMap((field) => {
    const target = state[field]
    return typeof target === 'string' ? [[field, target] as const] : []
  })
  const nested = ['Choices', 'Catch'].flatMap((list) => {
    const members = state[list]
    return (Array.isArray(members) ? members : []).flatMap((member: unknown, index) =>
      isJsonObject(member) && typeof member.Next === 'string' ? [[`${list}[${index}]/Next`, member.Next] as const] : [],
    )
  })
  return [...direct, ...nested]
}
