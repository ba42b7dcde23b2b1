import type { Json } from '../../core/json.ts'
import type { ExecutionState, Thread } from './execution-state.ts'

/** Most bytes that the variables of an execution hold together. */
export const MAX_VARIABLE_BYTES = 10 * 1_048_576

/** Bytes of the JSON text of objects, arrays included, each counted once: values of variables never change. */
const counted = new WeakMap<object, number>()

function bytesOf(value: Json): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 2
  if (typeof value !== 'object' || value === null) return String(value).length
  const known = counted.get(value)
  if (known !== undefined) return known
  const bytes = Buffer.byteLength(JSON.stringify(value))
  counted.set(value, bytes)
  return bytes
}

const bytesOfAll = (variables: Readonly<Record<string, Json>>): number => {
  let sum = 0
  for (const name in variables) sum += bytesOf(variables[name] ?? null)
  return sum
}

/** What the variables of an execution take once the thread has assigned these, in bytes of JSON text. */
export function variableBytes(
  { threads }: ExecutionState,
  thread: Thread,
  assigned: Readonly<Record<string, Json>>,
): number {
  let sum = bytesOfAll({ ...thread.variables, ...assigned })
  for (const other of threads.values())
    if (other !== thread && other.phase.kind !== 'ended') sum += bytesOfAll(other.variables)
  return sum
}
