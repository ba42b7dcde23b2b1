/**
 * `load.json`: the SQL that LoadWarehouse sends, in Redshift's dialect, printed from the contract. The state machine
 * replaces the placeholders as text: `{run}` (run id with `-` as `_`, in identifiers), `{runId}`, `{manifest}` (s3:// URI of
 * the run's manifest), `{publication}` (an integer), `{executionArn}`. Nothing else varies at load time.
 */
export interface LoadPlan {
  readonly loadPlanVersion: 1
  /** Schema-qualified, with `{run}`. */
  readonly stagingTable: string
  /** Sent first, each as its own statement outside any transaction: staging table, COPY. */
  readonly stage: readonly string[]
  /** One batch, one transaction; at most 40 statements; the last one selects the ledger row (inserted, updated, unchanged, stale). */
  readonly transaction: readonly string[]
  /** `name type` of each column of the table, compared with the manifest's schema before anything is sent. */
  readonly schema: readonly { readonly name: string; readonly type: string }[]
}
