import type { Json } from '../../core/json.ts'
import { bindingsOf, fitsPayload, MAX_PAYLOAD_BYTES, OutputTooLarge } from './evaluation.ts'
import type { Thread } from './execution-state.ts'
import type { ReadItems } from './item-reader.ts'
import type { MapRunPlan } from './log.ts'
import type { MapState } from './machine.ts'
import type { ChildInput } from './map-run-store.ts'
import { evaluateTemplate } from './template.ts'
import type { Turn } from './turn.ts'

/** The inputs of the children: items through the selector, then in batches. @throws EvaluationFailure, OutputTooLarge */
export async function childInputs(
  turn: Pick<Turn, 'execution' | 'facts'>,
  thread: Thread,
  state: MapState,
  plan: MapRunPlan,
  { items, source }: ReadItems,
): Promise<readonly ChildInput[]> {
  const selected: Json[] = []
  for (const [index, value] of items.entries()) {
    const item = source === undefined ? { index, value } : { index, value, source }
    const { itemSelector } = state
    selected.push(
      itemSelector === null ? value : await evaluateTemplate(itemSelector, bindingsOf(turn, thread, { item })),
    )
  }
  const inputs = plan.batch === null ? selected.map((input) => ({ input, items: 1 })) : batches(selected, plan.batch)
  if (!inputs.every(({ input }) => fitsPayload(input))) throw new OutputTooLarge(state.name)
  return inputs
}

function batches(items: readonly Json[], batch: NonNullable<MapRunPlan['batch']>): readonly ChildInput[] {
  const maxItems = batch.maxItems === null || batch.maxItems <= 0 ? Number.POSITIVE_INFINITY : batch.maxItems
  const maxBytes = batch.maxBytes === null || batch.maxBytes <= 0 ? MAX_PAYLOAD_BYTES : batch.maxBytes
  const inputs: ChildInput[] = []
  let current: Json[] = []
  let bytes = 0
  const overhead = byteLength(batchInput([], batch.input))
  for (const item of items) {
    const size = byteLength(item) + 1
    if (current.length > 0 && (current.length >= maxItems || overhead + bytes + size > maxBytes)) {
      inputs.push({ input: batchInput(current, batch.input), items: current.length })
      current = []
      bytes = 0
    }
    current.push(item)
    bytes += size
  }
  if (current.length > 0) inputs.push({ input: batchInput(current, batch.input), items: current.length })
  return inputs
}

const batchInput = (items: readonly Json[], input: Json | null): Json =>
  input === null ? { Items: items } : { BatchInput: input, Items: items }

const byteLength = (value: Json): number => Buffer.byteLength(JSON.stringify(value))

/** What happened to the items of a Map Run so far. */
export interface Tally {
  readonly failedItems: number
  readonly totalItems: number
}

/** `null`: nothing was said of it. */
export type Tolerance = Pick<MapRunPlan, 'toleratedFailureCount' | 'toleratedFailurePercentage'>

/** True when more items failed than the plan tolerates; without a tolerance, none may. */
export function breachesTolerance(tolerance: Tolerance, { failedItems, totalItems }: Tally): boolean {
  const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = tolerance
  if (failedItems === 0) return false
  if (count === null && percentage === null) return true
  return (
    (count !== null && failedItems > count) ||
    (percentage !== null && totalItems > 0 && (failedItems / totalItems) * 100 > percentage)
  )
}
