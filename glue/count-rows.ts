import type { RowCounts, RunSummary } from '../core/run-documents.ts'
import { integer, type LocalFile, type Run, type WrittenRows } from './run.ts'

export const sumCounts = (counts: readonly RowCounts[]): RowCounts => ({
  input: counts.reduce((sum, { input }) => sum + input, 0),
  curated: counts.reduce((sum, { curated }) => sum + curated, 0),
  rejected: counts.reduce((sum, { rejected }) => sum + rejected, 0),
  duplicates: counts.reduce((sum, { duplicates }) => sum + duplicates, 0),
})

async function countByJob(
  run: Run,
  relation: string,
  files: readonly LocalFile[],
): Promise<ReadonlyMap<string, number>> {
  const [only, second] = run.plan.inputs
  if (only !== undefined && second === undefined)
    return new Map([[only.jobId, files.reduce((sum, { rows }) => sum + rows, 0)]])
  const rows = await run.engine.rows(`SELECT job_id, count(*)::BIGINT AS n FROM ${relation} GROUP BY job_id`)
  return new Map(rows.map(({ job_id, n }) => [String(job_id), integer(n)]))
}

/** Counts per job: of the input from its bytes, of what was written from the files' footers. */
export async function countRows(run: Run, { curated, rejects, records }: WrittenRows): Promise<RunSummary['jobs']> {
  const curatedRows = await countByJob(run, 'sluice_written', curated)
  const rejectedRows = await countByJob(run, 'sluice_rejects_written', [rejects])
  const duplicates = new Map(
    (await run.engine.rows(run.plan.program.duplicateCounts)).map((row) => [
      integer(row.input_index),
      integer(row.duplicates),
    ]),
  )
  const jobs: { jobId: RunSummary['jobs'][number]['jobId']; counts: RowCounts }[] = []
  for (const [index, { jobId }] of run.plan.inputs.entries()) {
    const input = records[index]
    if (input === undefined) throw new TypeError(`Cannot find input ${index}`)
    jobs.push({
      jobId,
      counts: {
        input,
        curated: curatedRows.get(jobId) ?? 0,
        rejected: rejectedRows.get(jobId) ?? 0,
        duplicates: duplicates.get(index) ?? 0,
      },
    })
  }
  return jobs
}
