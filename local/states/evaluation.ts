import type { Json } from '../../core/json.ts'
import { type Thread, visibleVariables } from './execution-state.ts'
import type { StateType } from './machine.ts'
import type { Bindings } from './query.ts'
import { EvaluationFailure, evaluateTemplate, type Template } from './template.ts'
import type { Turn } from './turn.ts'
import { MAX_VARIABLE_BYTES, variableBytes } from './variables.ts'

/** Largest payload in bytes of UTF-8: input, arguments, result, output, one variable. */
export const MAX_PAYLOAD_BYTES = 262_144

/** What a state itself makes, output or arguments, is too large: nothing catches it. */
export class OutputTooLarge extends Error {
  constructor(subject: string) {
    super(tooLarge(subject))
    this.name = 'OutputTooLarge'
  }
}

export const tooLarge = (subject: string): string =>
  `The state/task '${subject}' returned a result with a size exceeding the maximum number of bytes service limit.`

/** True if the compact JSON text of the value is within the limit. */
export function fitsPayload(value: Json): boolean {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return true
  const text = JSON.stringify(value)
  return text.length * 3 <= MAX_PAYLOAD_BYTES || Buffer.byteLength(text) <= MAX_PAYLOAD_BYTES
}

/** `result` and `errorOutput` of `$states`, where a field has them. */
export interface Extras {
  readonly result?: Json
  readonly errorOutput?: Json
  readonly token?: string
  readonly item?: { readonly index: number; readonly value: Json; readonly source?: string }
}

/** What the expressions of the thread's state see. */
export function bindingsOf(turn: Pick<Turn, 'execution' | 'facts'>, thread: Thread, extras: Extras = {}): Bindings {
  const { result, errorOutput } = extras
  const states: Record<string, unknown> = { input: thread.input, context: contextOf(turn, thread, extras) }
  if (result !== undefined) states.result = result
  if (errorOutput !== undefined) states.errorOutput = errorOutput
  return { ...visibleVariables(thread), states }
}

function contextOf(
  { execution, facts }: Pick<Turn, 'execution' | 'facts'>,
  thread: Thread,
  { token, item }: Extras,
): unknown {
  const mapItem = item ?? itemOf(thread)
  return {
    Execution: {
      Id: facts.arn,
      Input: execution.input,
      StartTime: isoTime(execution.startedAt),
      Name: facts.name,
      RoleArn: facts.roleArn,
      RedriveCount: execution.redriveCount,
      ...(execution.redrivenAt === null ? {} : { RedriveTime: isoTime(execution.redrivenAt) }),
    },
    StateMachine: { Id: facts.machineArn, Name: facts.machineName },
    State: {
      Name: thread.state?.name,
      EnteredTime: isoTime(thread.enteredAt),
      ...(hasRetryCount(thread.state?.type) ? { RetryCount: thread.retryCount } : {}),
    },
    ...(token === undefined ? {} : { Task: { Token: token } }),
    ...(mapItem === null ? {} : { Map: { Item: mapItemContext(mapItem) } }),
  }
}

const hasRetryCount = (type: StateType | undefined): boolean => type === 'Task'

function mapItemContext(item: { readonly index: number; readonly value: Json; readonly source?: string }): unknown {
  const { index, value, source } = item
  return { Index: index, Value: value, ...(source === undefined ? {} : { Source: source }) }
}

function itemOf(thread: Thread): Thread['item'] {
  for (let at: Thread | null = thread; at !== null; at = at.parent) if (at.item !== null) return at.item
  return null
}

const isoTime = (millis: number): string => new Date(millis).toISOString()

/** What a state leaves behind. */
export interface Departure {
  readonly output: Json
  readonly assigned: Readonly<Record<string, Json>> | null
}

interface Leaving {
  readonly output: Template | null
  readonly assign: readonly (readonly [string, Template])[]
}

/**
 * Evaluates `Assign` and `Output`, both against the variables as they were when the state was entered.
 * @throws EvaluationFailure, OutputTooLarge
 */
export async function evaluateDeparture(
  turn: Pick<Turn, 'execution' | 'facts'>,
  thread: Thread,
  leaving: Leaving,
  byDefault: Json,
  extras: Extras = {},
): Promise<Departure> {
  if (leaving.output === null && leaving.assign.length === 0) return { output: byDefault, assigned: null }
  const bindings = bindingsOf(turn, thread, extras)
  const assigned = await evaluateAssign(leaving.assign, bindings)
  if (assigned !== null) checkVariables(variableBytes(turn.execution, thread, assigned))
  const output = leaving.output === null ? byDefault : await evaluateTemplate(leaving.output, bindings)
  if (leaving.output !== null && !fitsPayload(output)) throw new OutputTooLarge(thread.state?.name ?? '')
  return { output, assigned }
}

/** @throws EvaluationFailure */
function checkVariables(bytes: number): void {
  if (bytes > MAX_VARIABLE_BYTES)
    throw new EvaluationFailure(
      `The variables of the execution exceed their maximum size by ${bytes - MAX_VARIABLE_BYTES} bytes.`,
      'Assign',
    )
}

async function evaluateAssign(
  assign: Leaving['assign'],
  bindings: Bindings,
): Promise<Readonly<Record<string, Json>> | null> {
  if (assign.length === 0) return null
  const assigned: Record<string, Json> = {}
  for (const [name, template] of assign) assigned[name] = await evaluateTemplate(template, bindings)
  const bytes = Buffer.byteLength(JSON.stringify(assigned))
  if (bytes > MAX_PAYLOAD_BYTES)
    throw new EvaluationFailure(
      `The Assign field exceeds the maximum variable assignment size by ${bytes - MAX_PAYLOAD_BYTES} bytes.`,
      'Assign',
    )
  return assigned
}
