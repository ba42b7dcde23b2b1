import { isJsonObject } from '../../core/json.ts'
import { columns } from '../table.ts'
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

/** Name, what it does, how long it took, and what else there is to say. */
function visitCells(visit: StateVisit): readonly string[] {
  const millis = millisBetween(visit.enteredAt, visit.exitedAt)
  const resource = visit.attempts[0]?.resource
  return [
    `${MARKS[visit.status]} ${visit.name}`,
    resource === undefined ? visit.type : `${visit.type}  ${resource}`,
    millis === null ? visit.status : printMillis(millis),
    [
      ...(visit.attempts.length > 1 ? [`${visit.attempts.length} tries`] : []),
      ...(visit.error === null ? [] : [oneLine(`${visit.error}: ${visit.cause ?? ''}`, 160)]),
    ].join('  '),
  ]
}

/** States of a loop that went round several times without anything to tell. */
interface Rounds {
  readonly states: readonly StateVisit[]
  readonly count: number
}

const LONGEST_ROUND = 4

const isPlain = ({ status, attempts, branches, mapRunArn }: StateVisit): boolean =>
  status === 'succeeded' && attempts.length < 2 && branches.length === 0 && mapRunArn === null

/** How often the next `length` states follow each other, by their names. */
function roundsAt(visits: readonly StateVisit[], at: number, length: number): number {
  const isSame = (index: number): boolean => {
    const [visit, model] = [visits[index], visits[at + ((index - at) % length)]]
    return visit !== undefined && isPlain(visit) && visit.name === model?.name
  }
  let end = at
  while (isSame(end)) end += 1
  return Math.floor((end - at) / length)
}

/** Rounds of one loop as one; other states as they are. */
function folded(visits: readonly StateVisit[]): readonly (StateVisit | Rounds)[] {
  const result: (StateVisit | Rounds)[] = []
  for (let at = 0; at < visits.length; ) {
    const lengths = Array.from({ length: LONGEST_ROUND }, (_, index) => index + 1)
    const length = lengths.find((candidate) => roundsAt(visits, at, candidate) > 1) ?? 1
    const count = roundsAt(visits, at, length)
    const states = visits.slice(at, at + length * Math.max(count, 1))
    if (count > 1) result.push({ states, count })
    else result.push(...states)
    at += states.length
  }
  return result
}

function roundsCells({ states, count }: Rounds): readonly string[] {
  const [first, last] = [states[0], states.at(-1)]
  const millis = first === undefined || last === undefined ? null : millisBetween(first.enteredAt, last.exitedAt)
  const names = states.slice(0, states.length / count).map(({ name }) => name)
  return [`↻ ${count} rounds`, names.join(', '), millis === null ? '' : printMillis(millis), '']
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

function visitTree(visit: StateVisit, text: string, data: boolean): Line {
  const failedTries = visit.attempts.length > 1 || visit.attempts.some(({ error }) => error !== null)
  return {
    text,
    children: [
      ...dataLines(visit, data),
      ...(failedTries
        ? visit.attempts.map((attempt, index): Line => ({ text: attemptLine(attempt, index + 1), children: [] }))
        : []),
      ...(visit.mapRunArn === null ? [] : [{ text: `child executions of ${visit.mapRunArn}`, children: [] }]),
      ...visit.branches.map(
        (branch: Branch): Line => ({
          text: branch.label,
          children: visitLines(branch.states, data),
        }),
      ),
    ],
  }
}

/** A line a state, or a loop; with data no loop is folded, as each round has its own. */
function visitLines(visits: readonly StateVisit[], data: boolean): readonly Line[] {
  const shown = data ? visits : folded(visits)
  const cells = shown.map((item) => ('count' in item ? roundsCells(item) : visitCells(item)))
  const texts = columns(cells, ['left', 'left', 'right', 'left']).split('\n')
  return shown.map((item, index) =>
    'count' in item ? { text: texts[index] ?? '', children: [] } : visitTree(item, texts[index] ?? '', data),
  )
}

function printLines(lines: readonly Line[], indent: string, continues: boolean): readonly string[] {
  return lines.flatMap(({ text, children }, index) => {
    const last = !continues && index === lines.length - 1
    return [
      `${indent}${last ? '└─' : '├─'} ${text}`,
      ...printLines(children, `${indent}${last ? '   ' : '│  '}`, false),
    ]
  })
}

/** An execution as a tree, a line a state; with `data` also what went in and came out. `continues`: more states follow. */
export const printTree = (states: readonly StateVisit[], data: boolean, continues = false): string =>
  printLines(visitLines(states, data), '', continues).join('\n')
