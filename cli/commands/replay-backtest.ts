import { S3Client } from '@aws-sdk/client-s3'
import { type BacktestLine, backtest } from '../backtest/backtest.ts'
import { requireProject } from '../backtest/configurations.ts'
import { printBacktest } from '../backtest/view.ts'
import { bucketOf, clientSettings, lambdaClient } from '../deployment.ts'
import { withExactIntegers } from '../exact-integers.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { readManifest } from '../replay-manifest-file.ts'
import { connectionOf } from '../session.ts'

export interface BacktestOptions {
  readonly backtest?: boolean
  readonly diff?: boolean
  readonly rows: string
  readonly with?: string
}

const MOST_ROWS = 1000

function rowsOf({ diff, rows }: BacktestOptions): number {
  const count = Number(rows)
  if (!/^\d+$/.test(rows) || count < 1 || count > MOST_ROWS)
    throw new CommandError(EXIT.wrongUse, 'invalid_rows', `Cannot use "${rows}" as --rows: expected 1 to ${MOST_ROWS}`)
  return diff === true ? count : 0
}

/** Could not be tried; a source that was tried and whose job would fail has a reason. */
const isFailed = ({ replay }: BacktestLine): boolean => replay.status === 'FAILED' && replay.reasonCode === null
const isStopped = ({ replay }: BacktestLine): boolean => replay.status !== 'COMPLETED'

/**
 * `sluice replay plan MANIFEST --backtest`: runs every source for real in a folder of this machine that is deleted, and says
 * what would change. Ends with 1 when a source would not be loaded, 3 when one could not be tried.
 */
export async function replayBacktest(
  { output, state, directory, environment }: Invocation,
  file: string,
  options: BacktestOptions,
): Promise<ExitCode> {
  const differences = rowsOf(options)
  const { text, manifest } = readManifest(file)
  const project = options.with === undefined ? null : requireProject(options.with)
  const connection = connectionOf(state, directory, environment)
  const settings = clientSettings(connection)
  const { RedshiftDataClient } = await import('@aws-sdk/client-redshift-data')
  const lines: BacktestLine[] = []
  const lambda = await lambdaClient(connection)
  const tried = backtest(manifest, text, {
    lambda,
    dqResultsBucket: await bucketOf(lambda, 'DQ_RESULTS'),
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    warehouse: withExactIntegers(new RedshiftDataClient(settings)),
    project,
    differences,
    at: new Date().toISOString(),
    progress: (text) => output.progress(text),
  })
  for await (const line of tried) lines.push(line)
  output.result({ replayId: manifest.replayId, configuration: options.with ?? manifest.configuration, lines }, () =>
    printBacktest(lines),
  )
  if (lines.some(isFailed)) return EXIT.impossible
  return lines.some(isStopped) ? EXIT.no : EXIT.done
}
