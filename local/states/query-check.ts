import jsonata from 'jsonata'
import { isJsonObject } from '../../core/json.ts'

/** Which members of `$states` a field has beside `input` and `context`. */
export type StatesMember = 'result' | 'errorOutput'

/** A fault of an expression that AWS refuses at creation. */
export interface QueryFault {
  readonly code: 'INVALID_JSONATA_EXPRESSION' | 'UNSUPPORTED_JSONATA_EXPRESSION'
  readonly message: string
}

/**
 * What is wrong with an expression before it runs: syntax, a name without a context value, a member of `$states` that the
 * field does not have.
 */
export function checkQuery(text: string, members: readonly StatesMember[]): QueryFault | null {
  try {
    const faults: string[] = []
    walk(jsonata(text).ast(), false, members, faults)
    const [message] = faults
    return message === undefined ? null : { code: 'UNSUPPORTED_JSONATA_EXPRESSION', message }
  } catch (thrown) {
    const message = isJsonObject(thrown) && 'message' in thrown ? String(thrown.message) : String(thrown)
    return { code: 'INVALID_JSONATA_EXPRESSION', message }
  }
}

/** `hasContext`: inside a step, a predicate or a function, where bare names have something to refer to. */
function walk(node: unknown, hasContext: boolean, members: readonly StatesMember[], faults: string[]): void {
  if (Array.isArray(node)) {
    for (const child of node) walk(child, hasContext, members, faults)
    return
  }
  if (!isJsonObject(node)) return
  if (node.type === 'path' && Array.isArray(node.steps)) {
    walkPath(node.steps, hasContext, members, faults)
    walkMembers(node, ['steps', 'type'], true, members, faults)
    return
  }
  checkNode(node, hasContext, faults)
  walkMembers(node, ['type', 'value'], hasContext || node.type === 'lambda', members, faults)
}

function walkMembers(
  node: Record<string, unknown>,
  skipped: readonly string[],
  hasContext: boolean,
  members: readonly StatesMember[],
  faults: string[],
): void {
  for (const [key, child] of Object.entries(node)) {
    if (skipped.includes(key)) continue
    const within = hasContext || key === 'predicate' || key === 'stages' || key === 'group'
    walk(child, within, members, faults)
  }
}

function walkPath(
  steps: readonly unknown[],
  hasContext: boolean,
  members: readonly StatesMember[],
  faults: string[],
): void {
  const [first, second] = steps
  if (isJsonObject(first) && first.type === 'variable' && first.value === 'states' && isJsonObject(second))
    checkStatesMember(second, members, faults)
  steps.forEach((step, index) => {
    walk(step, hasContext || index > 0, members, faults)
  })
}

function checkStatesMember(step: Record<string, unknown>, members: readonly StatesMember[], faults: string[]): void {
  if (step.type !== 'name' || typeof step.value !== 'string') return
  const known = step.value === 'input' || step.value === 'context' || members.some((member) => member === step.value)
  if (!known) faults.push(`Field '$states.${step.value}' does not exist.`)
}

function checkNode(node: Record<string, unknown>, hasContext: boolean, faults: string[]): void {
  if (node.type === 'variable' && node.value === '$') faults.push("Reference to '$$' is not supported.")
  if (hasContext) return
  if (node.type === 'variable' && node.value === '') faults.push("Reference to '$' at the top level is not supported.")
  if (node.type === 'name' && typeof node.value === 'string')
    faults.push(`Reference to '${node.value}' at the top level is not supported.`)
}
