/** What a target is given of an event: all of it, a constant, a part, or a template filled in. */
import { isJsonObject } from '../../core/json.ts'
import type { TargetModel } from '../assembly/model.ts'
import { AwsError } from '../service.ts'

/** An event as it travels: AWS's envelope. */
export interface EventEnvelope {
  readonly version: '0'
  readonly id: string
  readonly 'detail-type': string
  readonly source: string
  readonly account: string
  /** ISO 8601 to the second. */
  readonly time: string
  readonly region: string
  readonly resources: readonly string[]
  readonly detail: unknown
  /** The replay that sends it again. */
  readonly 'replay-name'?: string
}

export interface RuleFacts {
  readonly ruleArn: string
  readonly ruleName: string
  /** ISO 8601. */
  readonly ingestionTime: string
}

/** JSON text for the target. */
export function targetInput(target: TargetModel, event: EventEnvelope, rule: RuleFacts): string {
  if (target.input !== null) return target.input
  if (target.inputPath !== null) return JSON.stringify(valueAt(event, target.inputPath) ?? null)
  if (target.inputTransformer !== null) return fillTemplate(target.inputTransformer, event, rule)
  return JSON.stringify(event)
}

/** A JSON path of members and indexes, as EventBridge takes them: `$.detail.object.key`, `$.resources[0]`. */
export function valueAt(event: unknown, path: string): unknown {
  const steps = [...path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\['([^']+)'\]/g)].map(
    (match) => match[1] ?? match[3] ?? Number(match[2]),
  )
  return steps.reduce<unknown>((value, step) => {
    if (typeof step === 'number') return Array.isArray(value) ? value[step] : undefined
    return isJsonObject(value) && Object.hasOwn(value, step) ? value[step] : undefined
  }, event)
}

const RESERVED: Readonly<Record<string, (event: EventEnvelope, rule: RuleFacts) => unknown>> = {
  'aws.events.rule-arn': (_event, rule) => rule.ruleArn,
  'aws.events.rule-name': (_event, rule) => rule.ruleName,
  'aws.events.event.ingestion-time': (_event, rule) => rule.ingestionTime,
  'aws.events.event': ({ detail: _detail, ...event }) => event,
  'aws.events.event.json': (event) => event,
}

interface Transformer {
  readonly paths: Readonly<Record<string, string>>
  readonly template: string
}

/** Outside quotes a variable is a JSON value; inside quotes its text, not escaped. A missing value is an empty text. */
function fillTemplate({ paths, template }: Transformer, event: EventEnvelope, rule: RuleFacts): string {
  const variable = (name: string): unknown => {
    const reserved = RESERVED[name]
    if (reserved !== undefined) return reserved(event, rule)
    return valueAt(event, paths[name] ?? '') ?? ''
  }
  let quoted = false
  const filled = template.replace(/\\.|"|<([A-Za-z0-9_.-]+)>/g, (found, name?: string) => {
    if (found === '"') quoted = !quoted
    if (name === undefined) return found
    const value = variable(name)
    return quoted ? bare(value) : JSON.stringify(value)
  })
  // A template of one quoted text is that text; anything that is not JSON travels as a JSON text.
  return isJson(filled) ? filled : JSON.stringify(filled)
}

const bare = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value).replaceAll('"', ''))

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** @throws AwsError `ValidationException` for a variable that the paths do not name */
export function checkTemplate(target: TargetModel): void {
  if (target.inputTransformer === null) return
  const { paths, template } = target.inputTransformer
  for (const [, name = ''] of template.matchAll(/<([A-Za-z0-9_.-]+)>/g)) {
    if (Object.hasOwn(paths, name) || Object.hasOwn(RESERVED, name)) continue
    throw new AwsError(
      'ValidationException',
      `InputTemplate for target ${target.id} contains invalid placeholder ${name}.`,
    )
  }
}
