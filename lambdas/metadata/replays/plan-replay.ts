import { type Digest, digestOf } from '../../../core/digest.ts'
import { auditKey, MAX_MANIFEST_BYTES, type ReplayManifest } from '../../../replay/manifest.ts'
import { type ManifestProblem, parseManifest } from '../../../replay/parse-manifest.ts'
import { confirmationProblems } from '../../../replay/plan.ts'
import type { ReplayReport, ReportStatus } from '../../../replay/report.ts'
import type { PlanReplayRequest, PlanReplayResult } from '../../messages.ts'
import { closeReplay } from './close-replay.ts'
import { type PlannedSource, planSources } from './plan-sources.ts'
import { ReplayDocuments } from './replay-documents.ts'
import { claimReplay, differsProblem, readReplay, startReplay } from './replay-record.ts'
import { dryRunReport, nowOf, type ReplayDeps, reportOf } from './replay-reports.ts'

interface Plan {
  /** ISO 8601 UTC: the clock of the jobs that it makes. */
  readonly plannedAt: string
  readonly sources: readonly PlannedSource[]
}

/** One manifest on its way from bytes to a plan. */
class Planning {
  readonly #request: PlanReplayRequest
  readonly #deps: ReplayDeps
  readonly #documents: ReplayDocuments

  constructor(request: PlanReplayRequest, deps: ReplayDeps) {
    this.#request = request
    this.#deps = deps
    this.#documents = new ReplayDocuments(deps.objects, deps.inspector)
  }

  async run(): Promise<PlanReplayResult> {
    const dropped = await this.#documents.read(this.#request.manifest)
    if (dropped === null) return this.#refuseUnread()
    const { bytes, sha256 } = dropped
    const parsed = parseManifest(bytes)
    if (!parsed.ok) return this.#refuse(bytes, sha256, null, parsed.replayId, parsed.problems)
    const { manifest } = parsed
    const known = await this.#deps.database.asOperator((sql) => readReplay(sql, manifest.replayId))
    if (manifest.options.dryRun) return this.#dryRun(bytes, sha256, manifest)
    return known === null ? this.#accept(bytes, sha256, manifest) : this.#goOn(bytes, sha256, manifest)
  }

  #refuseUnread(): Promise<PlanReplayResult> {
    const problem = {
      field: '$',
      message: 'The manifest is too large, or its version is gone',
      expected: `at most ${MAX_MANIFEST_BYTES} bytes`,
      found: 'another object',
    }
    return this.#refuse(new Uint8Array(), digestOf(''), null, null, [problem])
  }

  async #refuse(
    bytes: Uint8Array,
    sha256: Digest,
    manifest: ReplayManifest | null,
    replayId: string | null,
    problems: readonly ManifestProblem[],
  ): Promise<PlanReplayResult> {
    const report = { ...this.#report('REFUSED', sha256, manifest), replayId, problems }
    await this.#documents.keepRefused(this.#request.manifest, bytes, sha256, report)
    await this.#documents.putResult(this.#request.manifest, report)
    return this.#answer('refused', replayId)
  }

  async #dryRun(bytes: Uint8Array, sha256: Digest, manifest: ReplayManifest): Promise<PlanReplayResult> {
    const plannedAt = nowOf(this.#deps)
    const planned = await planSources(manifest, this.#deps, plannedAt)
    if (!planned.ok) return this.#refuse(bytes, sha256, manifest, manifest.replayId, planned.problems)
    const report = dryRunReport(this.#report('DRY_RUN', sha256, manifest), planned.sources, plannedAt)
    await this.#documents.putResult(this.#request.manifest, report)
    return this.#answer('dry_run', manifest.replayId)
  }

  /** A replay that nobody has heard of: planned first, so that one that cannot be run leaves its id free. */
  async #accept(bytes: Uint8Array, sha256: Digest, manifest: ReplayManifest): Promise<PlanReplayResult> {
    const plannedAt = nowOf(this.#deps)
    const planned = await planSources(manifest, this.#deps, plannedAt)
    const lines = planned.ok ? planned.sources.map(({ line }) => line) : []
    const problems = planned.ok ? confirmationProblems(manifest, lines) : planned.problems
    if (!planned.ok || problems.length > 0) return this.#refuse(bytes, sha256, manifest, manifest.replayId, problems)
    return this.#goOn(bytes, sha256, manifest, { plannedAt, sources: planned.sources })
  }

  async #goOn(
    bytes: Uint8Array,
    sha256: Digest,
    manifest: ReplayManifest,
    fresh: Plan | null = null,
  ): Promise<PlanReplayResult> {
    const { executionArn, takeOver, manifest: dropped } = this.#request
    const now = nowOf(this.#deps)
    const record = await claimReplay(this.#deps.database, { manifest, sha256, executionArn, takeOver, now })
    const { replayId } = manifest
    if (record.manifestSha256 !== sha256)
      return this.#refuse(bytes, sha256, manifest, replayId, [differsProblem(record, sha256)])
    if (record.status === 'COMPLETED') {
      await this.#documents.repeatResult(dropped, replayId, sha256)
      return this.#answer('reported', replayId)
    }
    if (record.executionArn !== executionArn) return { ...this.#answer('owned', replayId), owner: record.executionArn }
    if (record.status === 'RUNNING') return this.#start(manifest, record.runs ?? 0)
    return this.#pin(bytes, manifest, fresh ?? (await this.#planAgain(manifest)))
  }

  /** The execution that accepted the manifest ended before its plan was pinned. */
  async #planAgain(manifest: ReplayManifest): Promise<Plan> {
    const plannedAt = nowOf(this.#deps)
    const planned = await planSources(manifest, this.#deps, plannedAt)
    return { plannedAt, sources: planned.ok ? planned.sources : [] }
  }

  async #pin(bytes: Uint8Array, manifest: ReplayManifest, { plannedAt, sources }: Plan): Promise<PlanReplayResult> {
    const { bucket } = this.#request.manifest
    const { replayId } = manifest
    const executions = this.#request.ingestMachineArn.replace(':stateMachine:', ':execution:')
    const lines = sources.map(({ line }) => ({
      ...line,
      executionArn: line.executionName === null ? null : `${executions}:${line.executionName}`,
    }))
    const runs = sources.flatMap(({ line, input }) =>
      input === null ? [] : [{ name: line.executionName, executionArn: `${executions}:${line.executionName}`, input }],
    )
    await this.#documents.put(bucket, replayId, 'manifest.json', bytes)
    await this.#documents.putLines(bucket, replayId, 'plan.jsonl', lines)
    await this.#documents.putLines(bucket, replayId, 'runs.jsonl', runs)
    await startReplay(this.#deps.database, replayId, lines.length, runs.length, plannedAt)
    return this.#start(manifest, runs.length)
  }

  async #start({ replayId, options }: ReplayManifest, runs: number): Promise<PlanReplayResult> {
    if (runs > 0) return { ...this.#answer('run', replayId), runs, maxConcurrency: options.maxConcurrency }
    const { manifest, executionArn, at } = this.#request
    await closeReplay({ operation: 'closeReplay', replayId, manifest, executionArn, at }, this.#deps)
    return this.#answer('reported', replayId)
  }

  #report(status: ReportStatus, sha256: Digest, manifest: ReplayManifest | null): ReplayReport {
    return reportOf(status, this.#request, sha256, manifest, nowOf(this.#deps))
  }

  #answer(decision: PlanReplayResult['decision'], replayId: string | null): PlanReplayResult {
    const { bucket } = this.#request.manifest
    const runsAt = replayId === null ? null : { bucket, key: auditKey(replayId, 'runs.jsonl') }
    return { decision, replayId, owner: null, runs: 0, maxConcurrency: 1, runsAt }
  }
}

/**
 * Reads a dropped manifest and decides what its replay does: refuse it whole, report what would happen or what has happened, leave
 * it to the execution that carries it on, or run what the plan says, which is pinned in the replay bucket first.
 */
export const planReplay = (request: PlanReplayRequest, deps: ReplayDeps): Promise<PlanReplayResult> =>
  new Planning(request, deps).run()
