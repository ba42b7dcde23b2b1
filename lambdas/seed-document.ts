import type { Contract } from '../core/contract.ts'
import type { DatasetName } from '../core/identifiers.ts'
import type { Mapping } from '../core/mapping.ts'
import type { SqlTranslations } from '../dqdl/sql-translation.ts'

/**
 * What `config/{tenantId}/ruleset/{hash}.json` holds: the text of the DQDL file, and its Spark SQL in DuckDB's dialect, translated at synth
 * (`translateRuleset`), as the translator is too large for a function.
 */
export interface RulesetDocument {
  readonly dqdl: string
  readonly translations: SqlTranslations
}

export interface SeedRuleset extends RulesetDocument {
  readonly dataset: DatasetName
}

/** `seed.json`, bundled beside the metadata function at synth: what `contracts/` and `dq-rules/` held then. */
export interface SeedDocument {
  readonly seedVersion: 1
  readonly contracts: readonly Contract[]
  readonly mappings: readonly Mapping[]
  readonly rulesets: readonly SeedRuleset[]
}
