import { type Case, contractOf, mappingOf } from './harness.ts'

/** A small dataset for tests of how files are read: an identifier, a number and a time, keyed by the first. */
export const READINGS = contractOf(`
contract: 1
dataset: readings
version: 1
columns:
  - { name: sensor, type: string(16), required: true }
  - { name: value, type: "decimal(8,2)" }
  - { name: read_at, type: timestamp }
key: [sensor]
event_time: read_at
drift: { additive: rescue, missing_required: quarantine, type_coercion: limited }
reject_tolerance: 1
limits: { bytes: 10000000, min_bytes: 1, row_bytes: 2000, columns: 10, compression_ratio: 100 }
`)

/** A mapping of its columns by name. @param input the mapping's `input` as YAML */
export const readings = (input: string): Case['mapping'] =>
  mappingOf(`
mapping: 1
tenant: acme
dataset: readings
version: 1
contract_version: 1
source_system: plant
input: ${input}
fields:
  - { source: sensor, target: sensor, transform: [trim] }
  - { source: value, target: value }
  - { source: read_at, target: read_at }
`)
