import { isJsonObject } from '../../core/json.ts'
import type { Attempt, Branch, StateVisit } from './tree.ts'

/** `950 ms`, `1.2 s`, `3 min 05 s` */
export function printMillis(millis: number): string {
  if (millis < 1000) return `${Math.round(millis)} ms`
  if (millis < 60_000) return `${(millis / 1000).toFixed(1)} s`
  const seconds = Math.round(millis / 1000)
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`
}

export const millisBetween = (from: Date, to: Date | null): number | null =>
  to === null ? null : to.getTime() - from.getTime()

const oneLine = (text: string, most: number): string => {
  const line = text.replace(/\p{Cc}+/gu, ' ').trim()
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

const MARKS: Readonly<Record<StateVisit['status'], string>> = {
  running: '…',
  succeeded: '✓',
  caught: '!',
  failed: '✗',
  aborted: '✗',
}

/** A Glue run's failure comes as the whole run; what it says is one member. A cause that was cut off is no JSON, and told as it is. */
function causeOf(cause: string | null): string {
  const text = cause ?? ''
  if (!text.startsWith('{')) return text
  try {
    const run: unknown = JSON.parse(text)
    return isJsonObject(run) && typeof run.ErrorMessage === 'string' ? run.ErrorMessage : text
  } catch {
    return text
  }
}

const attemptLine = ({ resource, scheduledAt, endedAt, error, cause }: Attempt, number: number): string => {
  const millis = millisBetween(scheduledAt, endedAt)
  const time = millis === null ? 'running' : printMillis(millis)
  return `try ${number}  ${resource}  ${time}  ${error === null ? 'succeeded' : oneLine(`${error}: ${causeOf(cause)}`, 160)}`
}

function visitLine(visit: StateVisit): string {
  const millis = millisBetween(visit.enteredAt, visit.exitedAt)
  const resource = visit.attempts[0]?.resource
  const parts = [
    `${MARKS[visit.status]} ${visit.name}`,
    visit.type,
    ...(resource === undefined ? [] : [resource]),
    millis === null ? visit.status : printMillis(millis),
    ...(visit.attempts.length > 1 ? [`${visit.attempts.length} tries`] : []),
    ...(visit.error === null ? [] : [oneLine(`${visit.error}: ${visit.cause ?? ''}`, 160)]),
  ]
  return parts.join('  ')
}

interface Line {
  readonly text: string
  readonly children: readonly Line[]
}

const dataLines = (visit: StateVisit, data: boolean): readonly Line[] =>
  data
    ? ([['input', visit.input] as const, ['output', visit.output] as const] as const).flatMap(([name, text]) =>
        text === null ? [] : [{ text: `${name}  ${text.replace(/\p{Cc}/gu, '\ufffd')}`, children: [] }],
      )
    : []

function visitTree(visit: StateVisit, data: boolean): Line {
  const failedTries = visit.attempts.length > 1 || visit.attempts.some(({ error }) => error !== null)
  return {
    text: visitLine(visit),
    children: [
      ...dataLines(visit, data),
      ...(failedTries
        ? visit.attempts.map((attempt, index): Line => ({ text: attemptLine(attempt, index + 1), children: [] }))
        : []),
      ...(visit.mapRunArn === null ? [] : [{ text: `child executions of ${visit.mapRunArn}`, children: [] }]),
      ...visit.branches.map(
        (branch: Branch): Line => ({
          text: branch.label,
          children: branch.states.map((state) => visitTree(state, data)),
        }),
      ),
    ],
  }
}

function printLines(lines: readonly Line[], indent: string): readonly string[] {
  return lines.flatMap(({ text, children }, index) => {
    const last = index === lines.length - 1
    return [`${indent}${last ? '└─' : '├─'} ${text}`, ...printLines(children, `${indent}${last ? '   ' : '│  '}`)]
  })
}

/** An execution as a tree, a line a state; with `data` also what went in and came out. */
export const printTree = (states: readonly StateVisit[], data: boolean): string =>
  printLines(
    states.map((visit) => visitTree(visit, data)),
    '',
  ).join('\n')
