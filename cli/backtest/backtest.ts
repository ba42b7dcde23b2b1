import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import type { S3Client } from '@aws-sdk/client-s3'
import { messageOf } from '../../core/errors.ts'
import { parseDatasetName, parseTenantId } from '../../core/identifiers.ts'
import type { LandedSource, SourceVersion } from '../../core/source.ts'
import { Fields } from '../../lambdas/input.ts'
import { parseLandedSource } from '../../lambdas/parse-job.ts'
import type { ReplayManifest } from '../../replay/manifest.ts'
import { invokeMetadata } from '../deployment.ts'
import { type JobDocument, parseJob } from '../job-document.ts'
import { CommandError } from '../output.ts'
import type { Project } from '../project.ts'
import { deployedConfiguration, projectConfiguration } from './configurations.ts'
import { type BacktestConfiguration, runSource } from './run-source.ts'
import { openScratch, type Scratch } from './scratch.ts'
import { openScratchWarehouse, type ScratchWarehouse } from './scratch-warehouse.ts'
import { type LoadEffect, tryLoad } from './try-load.ts'

/** How a source stands: its last job, or what a run in the scratch area came to. */
export interface Standing {
  readonly status: string
  readonly reasonCode: string | null
  readonly counts: Readonly<Record<string, number | null>> | null
}

/** One source of a backtest. */
export interface BacktestLine {
  readonly source: SourceVersion | null
  readonly tenantId: string | null
  readonly dataset: string | null
  /** As its last job left it; `null`: it has none. */
  readonly now: Standing | null
  /** ISO 8601 UTC: what `now()` of a rule meant. `null` where nothing ran. */
  readonly judgedAsOf: string | null
  /** What the run in the scratch area came to. */
  readonly replay: Standing & { readonly message: string | null }
  /** What loading it would do to the table as it is; `null` where nothing would be loaded. */
  readonly effect: LoadEffect | null
}

export interface BacktestDeps {
  readonly lambda: LambdaClient
  readonly s3: S3Client
  readonly warehouse: RedshiftDataClient
  readonly dqResultsBucket: string
  /** Files whose configuration is tried; `null`: what the manifest asks of the deployment. */
  readonly project: Project | null
  /** Rows that differ from the table, shown of each source. */
  readonly differences: number
  /** ISO 8601 UTC */
  readonly at: string
  readonly progress: (text: string) => void
}

interface PlannedSource {
  readonly tenantId: string | null
  readonly dataset: string | null
  readonly jobId: string | null
  readonly decision: string
  readonly code: string | null
  readonly why: string
  readonly version: SourceVersion | null
  readonly landed: LandedSource | null
  readonly registeredAt: string
  readonly firstRegisteredAt: string
}

const versionOf = (source: Fields | null): SourceVersion | null =>
  source === null
    ? null
    : { bucket: source.text('bucket'), key: source.text('key'), versionId: source.text('versionId') }

function plannedOf(item: Fields): PlannedSource {
  const line = item.object('line')
  const landed = item.objectOrNull('source')
  const clock = item.object('clock')
  return {
    tenantId: line.textOrNull('tenantId'),
    dataset: line.textOrNull('dataset'),
    jobId: line.textOrNull('jobId'),
    decision: line.text('decision'),
    code: line.textOrNull('code'),
    why: line.textOrNull('why') ?? '',
    version: versionOf(line.objectOrNull('source')),
    landed: landed === null ? null : parseLandedSource(landed),
    registeredAt: clock.time('registeredAt'),
    firstRegisteredAt: clock.time('firstRegisteredAt'),
  }
}

async function* sourcesOf(lambda: LambdaClient, manifest: string): AsyncGenerator<PlannedSource> {
  let fromSource: number | null = 0
  while (fromSource !== null) {
    const answer: unknown = await invokeMetadata(lambda, { operation: 'backtestSources', manifest, fromSource })
    const page = new Fields(answer, 'backtest')
    for (const item of page.objects('sources')) yield plannedOf(item)
    fromSource = page.numberOrNull('nextSource')
  }
}

const standingOf = ({ status, reasonCode, counts }: JobDocument): Standing => ({ status, reasonCode, counts })

/** The source's last job. */
async function lastJob(lambda: LambdaClient, source: SourceVersion): Promise<Standing | null> {
  try {
    return standingOf(parseJob(await invokeMetadata(lambda, { operation: 'getJob', source })))
  } catch (thrown) {
    if (thrown instanceof CommandError && thrown.code === 'unknown_job') return null
    throw thrown
  }
}

/** Runs sources in a scratch folder of this machine and holds the outcome against the deployed tables. Nothing deployed is written. */
class Backtest {
  readonly #manifest: ReplayManifest
  readonly #deps: BacktestDeps
  readonly #scratch: Scratch
  readonly #warehouse: ScratchWarehouse
  readonly #configurations = new Map<string, Promise<BacktestConfiguration | null>>()

  constructor(manifest: ReplayManifest, deps: BacktestDeps, scratch: Scratch, warehouse: ScratchWarehouse) {
    this.#manifest = manifest
    this.#deps = deps
    this.#scratch = scratch
    this.#warehouse = warehouse
  }

  /** Each configuration is read once. */
  #configurationOf({ tenantId, dataset, jobId }: PlannedSource): Promise<BacktestConfiguration | null> {
    const { project, lambda } = this.#deps
    if (tenantId === null || dataset === null) return Promise.resolve(null)
    const original = project === null && this.#manifest.configuration === 'original' && jobId !== null
    const name = original ? jobId : `${tenantId}/${dataset}`
    const known = this.#configurations.get(name)
    if (known !== undefined) return known
    const reading =
      project === null
        ? deployedConfiguration(lambda, original ? { jobId } : { tenantId, dataset })
        : projectConfiguration(project, tenantId, dataset)
    this.#configurations.set(name, reading)
    return reading
  }

  async #run(planned: PlannedSource): Promise<Pick<BacktestLine, 'replay' | 'effect' | 'judgedAsOf'>> {
    const { tenantId, dataset, landed } = planned
    const refused = (reasonCode: string | null, message: string) => ({
      replay: { status: 'REFUSED', reasonCode, counts: null, message },
      effect: null,
      judgedAsOf: null,
    })
    if (landed === null || tenantId === null || dataset === null) return refused(planned.code, planned.why)
    const configuration = await this.#configurationOf(planned)
    if (configuration === null) return refused('unknown_dataset', 'There is no configuration for it')
    const { acceptRejects, overrideGate } = this.#manifest.options
    const request = {
      source: landed,
      tenantId: parseTenantId(tenantId),
      dataset: parseDatasetName(dataset),
      configuration,
      waivers: { acceptRejects, overrideGate },
      // Another configuration than the deployment's would make a job of its own.
      registeredAt: this.#deps.project === null ? planned.registeredAt : this.#deps.at,
      firstRegisteredAt: planned.firstRegisteredAt,
    }
    const judgedAsOf = request.registeredAt
    const { reasonCode, message, counts, load } = await runSource(request, {
      s3: this.#deps.s3,
      scratch: this.#scratch,
      dqResultsBucket: this.#deps.dqResultsBucket,
    })
    const standing = counts === null ? null : { ...counts }
    const stopped = reasonCode === 'breaking_change' ? 'FAILED' : 'QUARANTINED'
    if (load === null)
      return { replay: { status: stopped, reasonCode, counts: standing, message }, effect: null, judgedAsOf }
    const owner = { tenantId: request.tenantId, sourceKey: landed.key }
    const effect = await tryLoad(load, configuration.documents.contract, owner, {
      client: this.#deps.warehouse,
      scratch: this.#scratch,
      warehouse: this.#warehouse,
      differences: this.#deps.differences,
    })
    return { replay: { status: 'COMPLETED', reasonCode, counts: standing, message }, effect, judgedAsOf }
  }

  async line(planned: PlannedSource): Promise<BacktestLine> {
    const { tenantId, dataset, version } = planned
    const now = version === null ? null : await lastJob(this.#deps.lambda, version)
    const failed = (thrown: unknown) => ({
      replay: { status: 'FAILED', reasonCode: null, counts: null, message: messageOf(thrown) },
      effect: null,
      judgedAsOf: null,
    })
    const ran = await this.#run(planned).catch(failed)
    await this.#scratch.empty()
    return { source: version, tenantId, dataset, now, ...ran }
  }
}

/** A line for each source of the manifest, one after the other. The scratch folder is gone when this ends, however it ends. */
export async function* backtest(
  manifest: ReplayManifest,
  text: string,
  deps: BacktestDeps,
): AsyncGenerator<BacktestLine> {
  const scratch = await openScratch()
  try {
    const warehouse = await openScratchWarehouse(scratch)
    try {
      const run = new Backtest(manifest, deps, scratch, warehouse)
      for await (const planned of sourcesOf(deps.lambda, text)) {
        deps.progress(planned.version?.key ?? planned.why)
        yield await run.line(planned)
      }
    } finally {
      warehouse.close()
    }
  } finally {
    await scratch.remove()
  }
}
