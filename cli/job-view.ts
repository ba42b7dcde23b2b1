import { isJsonObject } from '../core/json.ts'
import { EXIT, type ExitCode } from './output.ts'
import { columns } from './table.ts'

/** A job as `sluice jobs --json` prints it; the metadata function answers in this form. */
export interface JobDocument {
  readonly jobId: string
  readonly tenantId: string
  readonly dataset: string
  readonly status: string
  readonly reasonCode: string | null
  readonly message?: string | null
  readonly duplicateOf?: string | null
  readonly executionArn: string | null
  readonly source: {
    readonly bucket: string
    readonly key: string
    readonly versionId: string
    readonly sizeBytes: number
  }
  readonly counts: Readonly<Record<string, number>> | null
  /** How the columns of the source differ from what the mapping consumes. */
  readonly drift?: { readonly class: string; readonly changes?: readonly DriftChangeView[] } | null
  readonly quality: { readonly score: number | null; readonly rules?: readonly RuleView[] } | null
  readonly objects: Readonly<Record<string, string | null>>
  readonly stages?: readonly { readonly name: string; readonly startedAt: string; readonly millis: number }[]
  /** In order; with what an operator let each off. */
  readonly attempts?: readonly AttemptView[]
}

export interface AttemptView {
  readonly attempt: number
  readonly kind: string
  readonly status: string
  readonly requestedBy?: string | null
  readonly why?: string | null
  readonly waivers?: { readonly acceptRejects: boolean; readonly overrideGate: readonly string[] } | null
}

export interface DriftChangeView {
  readonly column: string
  readonly kind: string
  readonly old: string | null
  readonly new: string | null
}

export interface RuleView {
  readonly name: string
  readonly rule: string
  readonly result: string
  readonly severity: string
}

/** Checks the members that the command itself relies on. */
export function parseJob(value: unknown): JobDocument {
  if (
    !isJsonObject(value) ||
    typeof value.jobId !== 'string' ||
    typeof value.status !== 'string' ||
    !isJsonObject(value.source)
  ) {
    throw new Error(`the metadata function answered no job: ${JSON.stringify(value)?.slice(0, 200)}`)
  }
  return value as unknown as JobDocument
}

/** Exit code of a job by how it ended; its reason says why. */
export const exitCodeOfJob = ({ status }: JobDocument): ExitCode =>
  status === 'QUARANTINED' ? EXIT.no : status === 'FAILED' ? EXIT.impossible : EXIT.done

const countsLine = (counts: JobDocument['counts']): string =>
  counts === null
    ? 'no rows were read'
    : `${counts.input} rows in = ${counts.curated} curated + ${counts.rejected} rejected + ${counts.duplicates} duplicates; ` +
      `${counts.inserted ?? 0} inserted, ${counts.updated ?? 0} updated, ${counts.unchanged ?? 0} unchanged, ${counts.stale ?? 0} stale`

/** Attempts that a person asked for, and what was waived for them: never hidden again. */
function printAttempt({ attempt, kind, status, requestedBy, why, waivers }: AttemptView): readonly string[] {
  if (!requestedBy) return []
  const waived = [
    ...(waivers?.acceptRejects === true ? ['rejects accepted'] : []),
    ...(waivers?.overrideGate ?? []).map((rule) => `gate overridden: ${rule}`),
  ]
  return [
    `  attempt ${attempt} (${kind}) ${status}, asked for by ${requestedBy}: ${why ?? ''}`,
    ...waived.map((line) => `    ${line}`),
  ]
}

const driftLines = ({ drift }: JobDocument): readonly string[] =>
  drift === undefined || drift === null || drift.class === 'none'
    ? []
    : [
        `  drift      ${drift.class}`,
        ...(drift.changes ?? []).map(
          ({ column, kind, old, new: now }) => `    ${kind} ${column}: ${old ?? 'nothing'} -> ${now ?? 'nothing'}`,
        ),
      ]

/** One job for people. */
export function printJob(job: JobDocument): string {
  const lines = [
    `${job.jobId}  ${job.status}${job.reasonCode === null ? '' : `  ${job.reasonCode}`}`,
    `  ${job.tenantId}/${job.dataset}  s3://${job.source.bucket}/${job.source.key} (${job.source.sizeBytes} bytes)`,
    ...(job.message ? [`  ${job.message}`] : []),
    ...(job.duplicateOf ? [`  already processed by ${job.duplicateOf}`] : []),
    `  ${countsLine(job.counts)}`,
  ]
  lines.push(...(job.attempts ?? []).flatMap(printAttempt))
  lines.push(...driftLines(job))
  const score = job.quality?.score ?? null
  if (score !== null) lines.push(`  quality score ${score}`)
  const broken = (job.quality?.rules ?? []).filter((rule) => rule.result !== 'PASS')
  for (const rule of broken) lines.push(`    ${rule.result} (${rule.severity}) ${rule.rule}`)
  for (const [name, uri] of Object.entries(job.objects)) if (uri !== null) lines.push(`  ${name.padEnd(10)} ${uri}`)
  if (job.stages !== undefined && job.stages.length > 0) {
    lines.push(
      '',
      columns(
        job.stages.map((stage) => [`  ${stage.name}`, `${stage.millis} ms`, stage.startedAt]),
        ['left', 'right', 'left'],
      ),
    )
  }
  return lines.join('\n')
}

/** Jobs as a table, one line each. */
export const printJobs = (jobs: readonly JobDocument[]): string =>
  jobs.length === 0
    ? 'no jobs'
    : columns(
        [
          ['JOB', 'TENANT', 'DATASET', 'STATUS', 'REASON', 'INPUT', 'CURATED', 'REJECTED', 'KEY'],
          ...jobs.map((job) => [
            job.jobId,
            job.tenantId,
            job.dataset,
            job.status,
            job.reasonCode ?? '',
            String(job.counts?.input ?? ''),
            String(job.counts?.curated ?? ''),
            String(job.counts?.rejected ?? ''),
            job.source.key,
          ]),
        ],
        ['left', 'left', 'left', 'left', 'left', 'right', 'right', 'right', 'left'],
      )
