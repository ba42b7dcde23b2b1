import { isJsonObject } from '../../core/json.ts'
import type { Diagnostics } from './diagnostics.ts'

/**
 * Reports targets that are not among the states, states that no way from the first one leads to, and states that never end.
 * `path`: of the scope.
 */
export function checkTransitions(
  states: Record<string, unknown>,
  startAt: string,
  path: string,
  diagnostics: Diagnostics,
): void {
  const missing = missingTargets(states)
  for (const { name, field, target } of missing)
    diagnostics.error(
      'MISSING_TRANSITION_TARGET',
      `Missing '${field.split('/').at(-1)}' target: ${target}`,
      `${path}/States/${name}/${field}`,
    )
  const reached = reachedFrom(startAt, states)
  const unreached = Object.keys(states).filter((name) => !reached.has(name))
  for (const name of unreached)
    diagnostics.error('MISSING_TRANSITION_TARGET', `State "${name}" is not reachable.`, `${path}/States/${name}`)
  if (missing.length + unreached.length === 0 && !Object.values(states).some(isTerminal))
    diagnostics.error('MISSING_END_STATE', 'Workflow has no terminal state', path === '' ? null : path)
}

const missingTargets = (states: Record<string, unknown>) =>
  Object.entries(states).flatMap(([name, state]) =>
    transitionsOf(state)
      .filter(([, target]) => states[target] === undefined)
      .map(([field, target]) => ({ name, field, target })),
  )

const isTerminal = (state: unknown): boolean =>
  isJsonObject(state) && (state.End === true || state.Type === 'Succeed' || state.Type === 'Fail')

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
