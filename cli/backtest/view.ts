import { columns } from '../table.ts'
import type { BacktestLine, Standing } from './backtest.ts'
import type { RowDifference } from './try-load.ts'

const outcomeOf = (standing: Standing | null): string =>
  standing === null ? 'no job' : `${standing.status}${standing.reasonCode === null ? '' : ` ${standing.reasonCode}`}`

const count = (standing: Standing | null, name: string): string => String(standing?.counts?.[name] ?? '-')

/** `98 -> 100`, or one number where nothing changes. */
const change = ({ now, replay }: BacktestLine, name: string): string => {
  const [before, after] = [count(now, name), count(replay, name)]
  return before === after ? after : `${before} -> ${after}`
}

const keyOf = ({ source }: BacktestLine): string => source?.key.replace(/^landing\//, '') ?? '-'

function rowOf(line: BacktestLine): string[] {
  const { now, replay, effect } = line
  const [before, after] = [outcomeOf(now), outcomeOf(replay)]
  const loaded =
    effect === null
      ? ['', '', '', '']
      : [effect.inserted, effect.updated, effect.unchanged, effect.stale].map((rows) => String(rows))
  return [
    keyOf(line),
    before === after ? after : `${before} -> ${after}`,
    change(line, 'curated'),
    change(line, 'rejected'),
    ...loaded,
  ]
}

const cell = (text: string | null): string => text ?? 'NULL'

const printDifference = (key: string, { change: kind, identity, columns: changed }: RowDifference): string[] => [
  `  ${key}  ${kind}  ${Object.entries(identity)
    .map(([name, value]) => `${name}=${cell(value)}`)
    .join(' ')}`,
  ...changed.map(({ column, table, replay }) =>
    kind === 'inserted' ? `      ${column}: ${cell(replay)}` : `      ${column}: ${cell(table)} -> ${cell(replay)}`,
  ),
]

const HEAD = ['SOURCE', 'OUTCOME', 'CURATED', 'REJECTED', 'INSERTED', 'UPDATED', 'UNCHANGED', 'STALE']

/** What a replay would change, source by source; nothing of it has happened. */
export function printBacktest(lines: readonly BacktestLine[]): string {
  if (lines.length === 0) return 'the manifest selects no source'
  const table = columns(
    [HEAD, ...lines.map(rowOf)],
    HEAD.map((_, index) => (index < 2 ? 'left' : 'right')),
  )
  const messages = lines.flatMap((line) =>
    line.replay.message === null ? [] : [`  ${keyOf(line)}: ${line.replay.message}`],
  )
  const differences = lines.flatMap((line) =>
    (line.effect?.differences ?? []).flatMap((one) => printDifference(keyOf(line), one)),
  )
  return [
    table,
    ...(messages.length === 0 ? [] : ['', ...messages]),
    ...(differences.length === 0 ? [] : ['', 'First rows that differ from the table:', ...differences]),
    '',
    'Tried in a scratch area that is deleted; nothing was written.',
  ].join('\n')
}
