import type { AttemptView, JobDocument } from './job-document.ts'
import { EXIT, type ExitCode } from './output.ts'
import { columns } from './table.ts'

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
