import { isJsonObject } from '../../core/json.ts'
import { invokeMetadata, lambdaClient } from '../deployment.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { connectionOf } from '../session.ts'
import { columns } from '../table.ts'

interface Options {
  readonly tenant?: string
  readonly since?: string
  readonly until?: string
}

/** A day or an instant as ISO 8601 UTC. @throws CommandError `invalid_time` */
function instantOf(option: string, text: string | undefined): string | null {
  if (text === undefined) return null
  const time = /^\d{4}-\d{2}-\d{2}(?:T.*)?$/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(time)) return new Date(time).toISOString()
  throw new CommandError(
    EXIT.wrongUse,
    'invalid_time',
    `Cannot use "${text}" as --${option}: expected a day or a time in UTC`,
    `--${option} 2026-03-01, or --${option} 2026-03-01T12:00:00Z`,
  )
}

const percent = (score: unknown): string => (typeof score === 'number' ? `${(score * 100).toFixed(1)}%` : '-')
const cellsOf = (name: string, part: Readonly<Record<string, unknown>>): readonly string[] => [
  name,
  percent(part.score),
  ...[part.jobs, part.completed, part.quarantined].map(String),
]

/** `sluice score --tenant ID`: the share of rules that passed, over the jobs of a window of time. */
export async function score(
  { output, state, directory, environment }: Invocation,
  { tenant, since, until }: Options,
): Promise<ExitCode> {
  if (tenant === undefined)
    throw new CommandError(EXIT.wrongUse, 'missing_option', 'Option --tenant is needed', 'sluice score --tenant acme')
  const window = { since: instantOf('since', since), until: instantOf('until', until) }
  const lambda = await lambdaClient(connectionOf(state, directory, environment))
  const answer = await invokeMetadata(lambda, { operation: 'tenantScore', tenantId: tenant, ...window })
  if (!isJsonObject(answer) || !Array.isArray(answer.datasets))
    throw new Error('the metadata function answered no score')
  const parts = answer.datasets.filter(isJsonObject).map((part) => cellsOf(String(part.dataset), part))
  output.result(answer, () =>
    columns(
      [['DATASET', 'SCORE', 'JOBS', 'COMPLETED', 'QUARANTINED'], ...parts, cellsOf('all', answer)],
      ['left', 'right', 'right', 'right', 'right'],
    ),
  )
  return EXIT.done
}
