import type { RowCounts } from '../../core/run-documents.ts'
import type { CloseJobRequest } from '../messages.ts'

type Ledger = NonNullable<CloseJobRequest['ledger']>

/**
 * Holds the run's counts against each other and against the ledger row of the load.
 * @returns what does not hold, in one sentence, or `null`
 */
export function contradictionIn(counts: RowCounts | null, ledger: Ledger | null): string | null {
  if (counts === null) return 'The run gave no counts'
  if (ledger === null) return 'The load gave no ledger row'
  const { input, curated, rejected, duplicates } = counts
  if (input !== curated + rejected + duplicates)
    return `input ${input} is not curated ${curated} + rejected ${rejected} + duplicates ${duplicates}`
  const { inserted, updated, unchanged, stale } = ledger
  if (curated !== inserted + updated + unchanged + stale)
    return `curated ${curated} is not inserted ${inserted} + updated ${updated} + unchanged ${unchanged} + stale ${stale}`
  return null
}
