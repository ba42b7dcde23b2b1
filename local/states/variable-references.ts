import { isJsonObject, type Json } from '../../core/json.ts'
import { expressionText, isExpression } from './template.ts'

const NAME = /\$([\p{ID_Start}_][\p{ID_Continue}]*)/gu

/** States that hold states: these have references of their own. */
const SCOPES = ['Branches', 'ItemProcessor', 'Iterator']

/** The workflow variables that the expressions of each state name, by state; states without any are left out. */
export function variableReferences(definition: Json): Readonly<Record<string, readonly string[]>> {
  const states = statesWithin(definition)
  const assigned = new Set(states.flatMap(([, state]) => assignedIn(state)))
  const references = states.map(([name, state]) => {
    const named = expressionsIn(ownFields(state)).flatMap((text) => [...text.matchAll(NAME)].map(([, found]) => found))
    return [name, [...new Set(named.filter((found) => found !== undefined && assigned.has(found)))]] as const
  })
  return Object.fromEntries(references.filter(([, names]) => names.length > 0)) as Record<string, readonly string[]>
}

type NamedState = readonly [name: string, state: Record<string, unknown>]

function statesWithin(scope: unknown): readonly NamedState[] {
  if (!isJsonObject(scope) || !isJsonObject(scope.States)) return []
  return Object.entries(scope.States).flatMap(([name, state]): readonly NamedState[] => {
    if (!isJsonObject(state)) return []
    const branches: readonly unknown[] = Array.isArray(state.Branches) ? state.Branches : []
    return [[name, state], ...[...branches, state.ItemProcessor, state.Iterator].flatMap(statesWithin)]
  })
}

const ownFields = (state: Record<string, unknown>): unknown =>
  Object.fromEntries(Object.entries(state).filter(([field]) => !SCOPES.includes(field)))

/** Names that a state assigns, in its rules and catchers too. */
function assignedIn(state: Record<string, unknown>): readonly string[] {
  const nested = [state.Choices, state.Catch].flatMap((list): readonly unknown[] => (Array.isArray(list) ? list : []))
  return [state, ...nested].flatMap((part) =>
    isJsonObject(part) && isJsonObject(part.Assign) ? Object.keys(part.Assign) : [],
  )
}

function expressionsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return isExpression(value) ? [expressionText(value)] : []
  if (Array.isArray(value)) return value.flatMap(expressionsIn)
  return isJsonObject(value) ? Object.values(value).flatMap(expressionsIn) : []
}
