/**
 * `load.json`: the SQL that LoadWarehouse sends, in Redshift's dialect, printed from the contract. The state machine
 * replaces the placeholders as text: `{run}` (run id with `-` as `_`, in identifiers), `{runId}`, `{manifest}` (s3:// URI of
 * the run's manifest), `{publication}` (an integer), `{executionArn}`. Nothing else varies at load time.
 */
export interface LoadPlan {
  readonly loadPlanVersion: 1
  /** Schema-qualified, with `{run}`. */
  readonly stagingTable: string
  /**
   * Sent first, as one batch of its own, at most 40 statements: staging table, COPY. Sent again after a transient failure,
   * so it leaves the staging table with exactly this run's rows however often it ran.
   */
  readonly stage: readonly string[]
  /** One batch, one transaction; at most 40 statements; the last one selects the ledger row (inserted, updated, unchanged, stale). */
  readonly transaction: readonly string[]
  /**
   * Name and type of each column of the table, in order, the type as the Glue catalog spells it (`printPhysicalType(…, 'glue')`):
   * compared with the manifest's schema before anything is sent, and registered with the run's partition.
   */
  readonly schema: readonly { readonly name: string; readonly type: string }[]
}
