/** What a log line is about; never a payload or a value of a row. */
export interface LogScope {
  readonly tenantId: string | null
  readonly jobId: string | null
  readonly executionArn: string | null
}
export type LogFacts = Readonly<Record<string, string | number | boolean | null>>
export type Log = (level: 'INFO' | 'WARN' | 'ERROR', message: string, scope: LogScope, facts?: LogFacts) => void

/** Writes one JSON object a line, with the keys tenantId, jobId, executionArn, level and message in every line. */
export const createLog =
  (functionName: string, write: (line: string) => void): Log =>
  (level, message, scope, facts = {}) =>
    write(JSON.stringify({ level, message, function: functionName, ...scope, ...facts }))
