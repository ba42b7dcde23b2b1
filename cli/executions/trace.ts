import { isJsonObject } from '../../core/json.ts'
import type { Attempt, StateVisit } from './tree.ts'

/** One thing that a job caused. */
export interface TraceEntry {
  readonly at: Date
  /** `s3`, `states`, `lambda`, `glue`, `redshift-data`, `events` */
  readonly service: string
  /** `invoke`, `startJobRun.sync`, `ObjectCreated`, … */
  readonly operation: string
  /** What it was about: a function, a job run, a statement, a key. */
  readonly subject: string
  readonly millis: number | null
  readonly state: string | null
  readonly error: string | null
}

const SERVICES: Readonly<Record<string, string>> = { redshiftdata: 'redshift-data' }

/** The members of a JSON object; none of anything else, as an output may be any text. */
const parse = (text: string | null): Readonly<Record<string, unknown>> => {
  if (text === null) return {}
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

const lastOf = (text: string): string => text.split(':function:').at(-1) ?? text

function eventNames(parameters: Readonly<Record<string, unknown>>): string | null {
  const { Entries } = parameters
  if (!Array.isArray(Entries)) return null
  return Entries.map((entry: unknown) => (isJsonObject(entry) ? String(entry.DetailType) : '')).join(', ')
}

/** What a call was about, by the members that its service names things with. */
function subjectOf({ parameters, submitted, output }: Attempt): string {
  const asked = parse(parameters)
  const answered = { ...parse(submitted), ...parse(output) }
  const payload = isJsonObject(asked.Payload) ? asked.Payload : {}
  const functionName = textOf(asked.FunctionName)
  if (functionName !== null)
    return [lastOf(functionName), textOf(payload.operation)].filter((part) => part !== null).join(' ')
  const job = textOf(asked.JobName)
  if (job !== null) return [job, textOf(answered.JobRunId) ?? textOf(answered.Id)].filter(Boolean).join(' ')
  const statement = textOf(asked.StatementName)
  if (statement !== null) return [statement, textOf(answered.Id)].filter(Boolean).join(' ')
  const events = eventNames(asked)
  if (events !== null) return events
  const bucket = textOf(asked.Bucket)
  if (bucket !== null) return `s3://${bucket}/${textOf(asked.Key) ?? ''}`
  return textOf(asked.Id) ?? textOf(asked.TableName) ?? textOf(asked.StateMachineArn) ?? ''
}

function attemptEntry(visit: StateVisit, attempt: Attempt): TraceEntry {
  const [last = '', ...before] = attempt.resource.split(':').reverse()
  const service = before[0] ?? 'lambda'
  return {
    at: attempt.scheduledAt,
    service: SERVICES[service] ?? service,
    operation: last,
    subject: subjectOf(attempt),
    millis: attempt.endedAt === null ? null : attempt.endedAt.getTime() - attempt.scheduledAt.getTime(),
    state: visit.name,
    error: attempt.error,
  }
}

/** Every call that an execution made, those of Maps and branches included, in the order in which they were made. */
export function callsOf(states: readonly StateVisit[]): readonly TraceEntry[] {
  return states
    .flatMap((visit): readonly TraceEntry[] => [
      ...visit.attempts.map((attempt) => attemptEntry(visit, attempt)),
      ...visit.branches.flatMap((branch) => callsOf(branch.states)),
    ])
    .sort((left, right) => left.at.getTime() - right.at.getTime())
}
