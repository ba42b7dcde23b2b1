import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import { S3Client } from '@aws-sdk/client-s3'
import { SFNClient } from '@aws-sdk/client-sfn'
import type { Mapping } from '../../core/mapping.ts'
import { startRuntime } from '../../local/runtime.ts'
import { type DemoCase, duplicateOf, RENAMED_COLUMN, RENAMED_TITLE, sourceOf, writeCases } from '../demo/cases.ts'
import { type Mended, mend, mendedMapping, printMended } from '../demo/mend.ts'
import { bucketOf, clientSettings } from '../deployment.ts'
import { executionArnOf, followExecution } from '../follow.ts'
import type { Invocation } from '../invocation.ts'
import type { JobDocument } from '../job-document.ts'
import { getJob } from '../jobs-client.ts'
import { CommandError, EXIT, type ExitCode, type Output } from '../output.ts'
import { type Project, readProject } from '../project.ts'
import { connectionOf, stateDirectoryOf } from '../session.ts'
import { columns } from '../table.ts'
import { uploadFile } from '../upload.ts'
import { runQuery } from './query.ts'
import { requireAssembly } from './up.ts'

interface Clients {
  readonly s3: S3Client
  readonly states: SFNClient
  readonly lambda: LambdaClient
  readonly warehouse: RedshiftDataClient
  readonly rawBucket: string
}

interface Outcome {
  readonly demoCase: DemoCase
  readonly job: JobDocument
  readonly asExpected: boolean
}

const reconciles = ({ status, counts }: JobDocument): boolean => {
  if (status !== 'COMPLETED' || counts === null) return status !== 'COMPLETED'
  const rows = (name: string): number => counts[name] ?? 0
  return (
    rows('input') === rows('curated') + rows('rejected') + rows('duplicates') &&
    rows('curated') === rows('inserted') + rows('updated') + rows('unchanged') + rows('stale')
  )
}

async function drop(demoCase: DemoCase, clients: Clients, output: Output): Promise<Outcome> {
  const key = `landing/${demoCase.tenant}/${demoCase.dataset}/${demoCase.name}`
  const source = await uploadFile(clients.s3, clients.rawBucket, key, demoCase.path, () => undefined)
  const executionArn = await executionArnOf(clients.states, source)
  await followExecution(clients.states, executionArn, null)
  const job = await getJob(clients.lambda, { executionArn })
  const asExpected = job.status === demoCase.status && job.reasonCode === demoCase.reasonCode && reconciles(job)
  output.note(
    `  ${asExpected ? 'as expected' : 'UNEXPECTED '}  ${job.status.padEnd(11)} ${(job.reasonCode ?? '').padEnd(24)} ${key}`,
  )
  return { demoCase, job, asExpected }
}

const OUTCOME_HEAD = ['FILE', 'STATUS', 'REASON', 'INPUT', 'CURATED', 'REJECTED', 'DUPLICATES', 'INSERTED']

const printOutcomes = (outcomes: readonly Outcome[]): string =>
  columns(
    [
      OUTCOME_HEAD,
      ...outcomes.map(({ demoCase, job }) => [
        demoCase.title,
        job.status,
        job.reasonCode ?? '',
        ...['input', 'curated', 'rejected', 'duplicates', 'inserted'].map((name) => String(job.counts?.[name] ?? '')),
      ]),
    ],
    ['left', 'left', 'left', 'right', 'right', 'right', 'right', 'right'],
  )

function ordersOf(project: Project): { first: Mapping; second: Mapping } {
  const [first, second] = project.mappings.filter((mapping) => mapping.dataset === 'orders')
  if (first !== undefined && second !== undefined) return { first, second }
  throw new CommandError(
    EXIT.wrongUse,
    'demo_files_missing',
    'The demo needs contracts/orders.yaml and two mappings to it',
    'Run it in the repository',
  )
}

async function openClients(state: string): Promise<Clients> {
  const settings = clientSettings(connectionOf(state, state, {}))
  const lambda = new LambdaClient(settings)
  return {
    s3: new S3Client({ ...settings, forcePathStyle: true }),
    states: new SFNClient(settings),
    lambda,
    warehouse: new RedshiftDataClient(settings),
    rawBucket: await bucketOf(lambda, 'RAW'),
  }
}

const ANALYST_QUERY =
  "select currency, count(*) as orders, sum(amount) as revenue, count(distinct customer_id) as customers from orders where status <> 'cancelled' group by currency order by revenue desc"

async function play(
  directory: string,
  state: string,
  scratch: string,
  output: Output,
): Promise<{ outcomes: Outcome[]; tables: { tenant: string; text: string; rows: unknown }[]; mended: Mended }> {
  const project = readProject({ contracts: join(directory, 'contracts'), rules: join(directory, 'dq-rules') })
  const { first, second } = ordersOf(project)
  const contract = project.contracts.get('orders')
  if (contract === undefined)
    throw new CommandError(EXIT.wrongUse, 'demo_files_missing', 'contracts/orders.yaml is missing')
  const reports =
    project.mappings.find((mapping) => mapping.fields.some((field) => field.sources.includes('Airport Name'))) ?? null
  const data = join(directory, 'node_modules', 'vega-datasets', 'data')
  const cases = await writeCases({ contract, mapping: first }, { contract, mapping: second }, reports, data, scratch)
  const clients = await openClients(state)
  output.note(`Dropping ${cases.length} files in s3://${clients.rawBucket}/landing/`)
  const outcomes = await Promise.all(cases.map((demoCase) => drop(demoCase, clients, output)))
  const loaded = cases[0]
  if (loaded !== undefined) outcomes.push(await drop(duplicateOf(loaded), clients, output))
  output.note('Mending the mapping of a quarantined file, and releasing it')
  const waiting = outcomes.find(({ demoCase }) => demoCase.title === RENAMED_TITLE)?.job.jobId ?? ''
  const mapping = mendedMapping(directory, second, sourceOf({ contract, mapping: second }, 'amount'), RENAMED_COLUMN)
  const mended = await mend(clients, waiting, mapping)
  const tables = []
  for (const tenant of [first.tenantId, second.tenantId]) {
    const { names, rows } = await runQuery(clients.warehouse, ANALYST_QUERY, tenant)
    const text = columns(
      [names, ...rows.map((row) => names.map((name) => String(row[name])))],
      names.map((_, index) => (index === 0 ? 'left' : 'right')),
    )
    tables.push({ tenant, text, rows })
  }
  return { outcomes, tables, mended }
}

/** `sluice demo`: exits 0 only when every file ended as it must. */
export async function demo({ output, state, directory }: Invocation, options: { assembly: string }): Promise<ExitCode> {
  const assemblyDirectory = requireAssembly(directory, options.assembly)
  const scratch = mkdtempSync(join(tmpdir(), 'sluice-demo-'))
  const stateDirectory = state === null ? join(scratch, 'state') : stateDirectoryOf(state, directory)
  output.note('Starting the deployed template on embedded engines')
  const runtime = await startRuntime({
    assemblyDirectory,
    stateDirectory,
  })
  try {
    const { outcomes, tables, mended } = await play(directory, stateDirectory, scratch, output)
    const unexpected = outcomes.filter((outcome) => !outcome.asExpected)
    const good = unexpected.length === 0 && mended.asExpected
    output.result(
      {
        mended,
        outcomes: outcomes.map(({ demoCase, job, asExpected }) => ({
          title: demoCase.title,
          expected: { status: demoCase.status, reasonCode: demoCase.reasonCode },
          asExpected,
          job,
        })),
        queries: tables.map(({ tenant, rows }) => ({ tenant, sql: ANALYST_QUERY, rows })),
      },
      () =>
        [
          '',
          printOutcomes(outcomes),
          '',
          printMended(mended),
          ...tables.flatMap(({ tenant, text }) => ['', `An analyst of ${tenant} asks: ${ANALYST_QUERY}`, text]),
          '',
          good
            ? `All ${outcomes.length} files ended as they must.`
            : unexpected.length === 0
              ? 'The quarantined file was not mended as its dry run said.'
              : `${unexpected.length} of ${outcomes.length} files did not end as they must.`,
        ].join('\n'),
    )
    return good ? EXIT.done : EXIT.no
  } finally {
    await runtime.close()
    await rm(scratch, { recursive: true, force: true })
  }
}
