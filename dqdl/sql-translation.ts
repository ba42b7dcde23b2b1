/** The DuckDB text of a Spark SQL text, or why there is none. Plain JSON, so that it can be kept beside a ruleset. */
export interface SqlTranslation {
  readonly sql: string | null
  readonly refused: string | null
  /** Tables it reads; only `primary` and additional data sources may be. */
  readonly tables?: readonly string[]
  /** Names of the columns a statement returns, `*` for all of a table, `null` where a column has no name. */
  readonly outputs?: readonly (string | null)[]
  /** Columns of the data that it names, as far as they can be told from a text alone. */
  readonly columns?: readonly string[]
}
/** Translations by the Spark text as it stands in the ruleset. */
export type SqlTranslations = Readonly<Record<string, SqlTranslation>>
