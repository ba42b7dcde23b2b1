import type { Json } from '../../core/json.ts'
import { bindingsOf, fitsPayload, OutputTooLarge, tooLarge } from './evaluation.ts'
import type { Thread } from './execution-state.ts'
import { guarded } from './failing.ts'
import type { MapRunPlan } from './log.ts'
import type { Distribution, MapState } from './machine.ts'
import type { Bindings } from './query.ts'
import { EvaluationFailure, evaluateTemplate, evaluateTyped, type Template } from './template.ts'
import type { Turn } from './turn.ts'

/** Most iterations of an inline Map that run at once. */
const MAX_INLINE_CONCURRENCY = 40

/** Evaluates what a Map state is told and starts its iterations, or its Map Run. */
export async function executeMap(turn: Turn, thread: Thread, state: MapState): Promise<void> {
  const bindings = bindingsOf(turn, thread)
  const reader = state.distributed?.reader ?? null
  const items = reader === null ? await evaluateItems(thread, state, bindings) : null
  const maxConcurrency = (await evaluateCount(state.maxConcurrency, bindings)) ?? 0
  if (state.distributed !== null)
    return await startMapRun(turn, thread, state.distributed, items, maxConcurrency, bindings)
  turn.event(thread.id, thread.lastEventId, {
    type: 'MapStateStarted',
    length: items?.length ?? 0,
    items: items ?? [],
    maxConcurrency: Math.min(maxConcurrency || MAX_INLINE_CONCURRENCY, MAX_INLINE_CONCURRENCY),
  })
}

async function evaluateItems(thread: Thread, state: MapState, bindings: Bindings): Promise<readonly Json[]> {
  if (state.items !== null) {
    const items = await evaluateTyped(state.items, ['array'], bindings)
    return Array.isArray(items) ? items : []
  }
  if (Array.isArray(thread.input)) return thread.input
  throw new EvaluationFailure(`Map state input must be an array but was: ${JSON.stringify(thread.input)}`, undefined)
}

async function evaluateCount(template: Template | null, bindings: Bindings): Promise<number | null> {
  if (template === null) return null
  const value = await evaluateTyped(template, ['number'], bindings)
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
  throw new EvaluationFailure(`${template.field} must be a non-negative integer but was: ${value}`, template.field)
}

/** Starts as many iterations as may run, the first ones behind `startedId`. True when the state has gone on. */
export async function startIterations(turn: Turn, thread: Thread, startedId: number): Promise<boolean> {
  const { state, phase } = thread
  if (state?.type !== 'Map' || phase.kind !== 'iterations') return false
  while (phase.started < phase.items.length && phase.running.size < phase.maxConcurrency) {
    const started = await startIteration(turn, thread, state, phase.started, phase.freedBy ?? startedId)
    if (!started) return true
  }
  if (phase.ended < phase.items.length) return false
  return finishIterations(turn, thread, state, phase.outputs)
}

async function startIteration(
  turn: Turn,
  thread: Thread,
  state: MapState,
  index: number,
  prev: number,
): Promise<boolean> {
  await guarded(turn, thread, async () => {
    const input = await iterationInput(turn, thread, state, index)
    turn.event(thread.id, prev, { type: 'MapIterationStarted', index, name: state.name, input })
  })
  if (thread.phase.kind !== 'iterations') return false
  const child = thread.phase.running.get(index)
  if (child !== undefined) turn.runnable.push(child)
  return true
}

async function iterationInput(turn: Turn, thread: Thread, state: MapState, index: number): Promise<Json> {
  if (thread.phase.kind !== 'iterations') return null
  const value = thread.phase.items[index] ?? null
  if (state.itemSelector === null) return value
  const input = await evaluateTemplate(state.itemSelector, bindingsOf(turn, thread, { item: { index, value } }))
  if (!fitsPayload(input)) throw new OutputTooLarge(state.name)
  return input
}

function finishIterations(turn: Turn, thread: Thread, state: MapState, outputs: readonly Json[]): true {
  if (fitsPayload(outputs)) turn.event(thread.id, thread.lastEventId, { type: 'MapStateSucceeded' })
  else
    turn.note(thread.id, {
      type: 'StateFailed',
      error: 'States.DataLimitExceeded',
      cause: tooLarge(state.name),
      final: true,
    })
  return true
}

async function startMapRun(
  turn: Turn,
  thread: Thread,
  distribution: Distribution,
  items: readonly Json[] | null,
  maxConcurrency: number,
  bindings: Bindings,
): Promise<void> {
  const plan = await evaluatePlan(distribution, items, maxConcurrency, bindings)
  const { region, accountId, machineName } = turn.facts
  const label = distribution.label ?? turn.chance.uuid()
  turn.event(thread.id, thread.lastEventId, {
    type: 'MapStateStarted',
    length: items?.length ?? 0,
    items: null,
    maxConcurrency,
  })
  turn.event(thread.id, thread.lastEventId, {
    type: 'MapRunStarted',
    mapRunArn: `arn:aws:states:${region}:${accountId}:mapRun:${machineName}/${label}:${turn.chance.uuid()}`,
    plan,
  })
}

async function evaluatePlan(
  { reader, batcher, writer, toleratedFailureCount, toleratedFailurePercentage }: Distribution,
  items: readonly Json[] | null,
  maxConcurrency: number,
  bindings: Bindings,
): Promise<MapRunPlan> {
  const source =
    reader === null
      ? ({ kind: 'items', items: items ?? [] } as const)
      : ({
          kind: 'reader',
          action: reader.action,
          arguments: await evaluateTemplate(reader.arguments, bindings),
          maxItems: await evaluateMaxItems(reader.maxItems, bindings),
        } as const)
  return {
    source,
    maxConcurrency,
    toleratedFailureCount: await evaluateTolerance(toleratedFailureCount, 'count', bindings),
    toleratedFailurePercentage: await evaluateTolerance(toleratedFailurePercentage, 'percentage', bindings),
    batch:
      batcher === null
        ? null
        : {
            maxItems: await evaluateNumber(batcher.maxItemsPerBatch, bindings),
            maxBytes: await evaluateNumber(batcher.maxInputBytesPerBatch, bindings),
            input: batcher.batchInput === null ? null : await evaluateTemplate(batcher.batchInput, bindings),
          },
    writer:
      writer === null
        ? null
        : { arguments: writer.arguments === null ? null : await evaluateTemplate(writer.arguments, bindings) },
  }
}

async function evaluateNumber(template: Template | null, bindings: Bindings): Promise<number | null> {
  if (template === null) return null
  const value = await evaluateTyped(template, ['number'], bindings)
  return typeof value === 'number' ? value : null
}

/** Read as text: `"2"` is a limit of 2. */
async function evaluateMaxItems(template: Template | null, bindings: Bindings): Promise<number | null> {
  if (template === null) return null
  const value = await evaluateTyped(template, ['number', 'string'], bindings)
  if (/^-?\d+$/.test(String(value))) return Number(value)
  throw new EvaluationFailure(
    `The MaxItems field cannot be parsed as an integer: ${JSON.stringify(value)}`,
    template.field,
  )
}

async function evaluateTolerance(
  template: Template | null,
  kind: 'count' | 'percentage',
  bindings: Bindings,
): Promise<number | null> {
  const value = await evaluateNumber(template, bindings)
  if (value === null || template === null) return null
  if (kind === 'count' && value < 0)
    throw new EvaluationFailure('ToleratedFailureCount cannot be negative.', template.field)
  if (kind === 'percentage' && (value < 0 || value > 100))
    throw new EvaluationFailure('ToleratedFailurePercentage must be between 0 and 100.', template.field)
  return value
}
