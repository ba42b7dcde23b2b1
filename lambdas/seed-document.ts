import type { Contract } from '../core/contract.ts'
import type { DatasetName } from '../core/identifiers.ts'
import type { Mapping } from '../core/mapping.ts'

/** A DQDL ruleset as its file has it. */
export interface SeedRuleset {
  readonly dataset: DatasetName
  readonly dqdl: string
}

/** `seed.json`, bundled beside the metadata function at synth: what `contracts/` and `dq-rules/` held then. */
export interface SeedDocument {
  readonly seedVersion: 1
  readonly contracts: readonly Contract[]
  readonly mappings: readonly Mapping[]
  readonly rulesets: readonly SeedRuleset[]
}
