import { isJsonObject } from '../core/json.ts'

/** What a log line is about; never a payload or a value of a row. */
export interface LogScope {
  readonly tenantId: string | null
  readonly jobId: string | null
  readonly executionArn: string | null
}
export type LogFacts = Readonly<Record<string, string | number | boolean | null>>
export type Log = (level: 'INFO' | 'WARN' | 'ERROR', message: string, scope: LogScope, facts?: LogFacts) => void

/**
 * The log of one invocation: one JSON object a line, with the keys tenantId, jobId, executionArn, level, message and timingMs in
 * every line. `timingMs` counts from this call; `nowMs` is a clock that never goes back.
 */
export function startLog(functionName: string, write: (line: string) => void, nowMs: () => number): Log {
  const startedAt = nowMs()
  return (level, message, scope, facts = {}) => {
    const timingMs = Math.round(nowMs() - startedAt)
    write(JSON.stringify({ level, message, function: functionName, ...scope, timingMs, ...facts }))
  }
}

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 256) : null)

/** What an event is about, as far as it says so: for the log line of an event that failed. */
export function scopeOf(event: unknown): LogScope {
  if (!isJsonObject(event)) return { tenantId: null, jobId: null, executionArn: null }
  const job = isJsonObject(event.job) ? event.job : event
  const detail = isJsonObject(event.detail) ? event.detail : event
  return {
    tenantId: textOrNull(job.tenantId),
    jobId: textOrNull(job.jobId),
    executionArn: textOrNull(detail.executionArn),
  }
}
