import type jsonata from 'jsonata'
import { isJsonObject } from '../../core/json.ts'

/** Deepest nesting of evaluation. */
const MAX_DEPTH = 100
/** Parts of an array or object are evaluated side by side: together they may nest so deep. */
const MAX_PARALLEL_DEPTH = 5_000
const MAX_MILLIS = 5_000

interface Frame {
  lookup(name: string): unknown
}

/** What one evaluation has used up. Part of what the expression sees, under a name that no expression can spell. */
class Usage {
  #depth = 0
  #parallelDepth = 0
  /** The array or object whose parts are being evaluated. */
  #parallel: { readonly node: unknown; readonly frame: unknown } | null = null
  readonly #endAt = performance.now() + MAX_MILLIS

  enter(node: unknown, frame: unknown): void {
    if (performance.now() > this.#endAt) throw new Error('Expression evaluation timeout exceeded')
    if (this.#parallel !== null) {
      this.#parallelDepth += 1
      if (this.#parallelDepth > MAX_PARALLEL_DEPTH) throw tooDeep(this.#parallelDepth, MAX_PARALLEL_DEPTH)
      return
    }
    this.#depth += 1
    if (this.#depth > MAX_DEPTH) throw tooDeep(this.#depth, MAX_DEPTH)
    if (hasParallelParts(node)) this.#parallel = { node, frame }
  }

  exit(node: unknown, frame: unknown, result: unknown): void {
    if (bytesHeld(result) > MAX_HELD_BYTES) throw memoryExceeded()
    if (this.#parallel === null) this.#depth -= 1
    else if (this.#parallel.node === node && this.#parallel.frame === frame) {
      this.#parallel = null
      this.#parallelDepth = 0
      this.#depth -= 1
    } else this.#parallelDepth -= 1
  }
}

const tooDeep = (depth: number, max: number): Error =>
  new Error(
    `Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive. Depth=${depth} max=${max}`,
  )

function hasParallelParts(node: unknown): boolean {
  if (!isJsonObject(node) || node.type !== 'unary') return false
  const parts = node.value === '[' ? node.expressions : node.value === '{' ? node.lhs : null
  return Array.isArray(parts) && parts.length > 1
}

/** Eight bytes an element, one a character. */
const bytesHeld = (value: unknown): number =>
  Array.isArray(value) ? value.length * 8 : typeof value === 'string' ? value.length : 0

/** What a value takes that an evaluation may hold, as far as others measured it: 873,782 numbers. */
export const MAX_HELD_BYTES = 6_990_256

export const memoryExceeded = (): Error =>
  new Error('Expression evaluation memory limit exceeded: Check for excessive memory usage')

const USAGE = 'usage of this evaluation'

const usageIn = (frame: Frame): Usage | null => {
  const usage = frame.lookup(USAGE)
  return usage instanceof Usage ? usage : null
}

/**
 * Bounds depth, time and memory of an expression that could exceed them: one that defines functions or ranges, or is nested deep
 * itself. The result turns bindings into those of one evaluation.
 */
export function boundEvaluation<B extends object>(expression: jsonata.Expression): (bindings: B) => B {
  const ast: unknown = expression.ast()
  if (!growsByItself(ast) && depthOf(ast) < MAX_DEPTH) return (bindings) => bindings
  const hook = (name: string, run: (node: unknown, input: unknown, frame: Frame, result: unknown) => void) =>
    expression.assign(Symbol.for(`jsonata.__evaluate_${name}`) as unknown as string, run)
  hook('entry', (node, _input, frame) => usageIn(frame)?.enter(node, frame))
  hook('exit', (node, _input, frame, result) => usageIn(frame)?.exit(node, frame, result))
  return (bindings) => ({ ...bindings, [USAGE]: new Usage() })
}

const childrenOf = (node: unknown): readonly unknown[] =>
  Array.isArray(node) ? node : isJsonObject(node) ? Object.values(node) : []

const growsByItself = (node: unknown): boolean =>
  (isJsonObject(node) && (node.type === 'lambda' || node.value === '..')) || childrenOf(node).some(growsByItself)

/** Nodes on the longest way down. */
function depthOf(node: unknown): number {
  const below = Math.max(0, ...childrenOf(node).map(depthOf))
  return isJsonObject(node) && typeof node.type === 'string' ? below + 1 : below
}
