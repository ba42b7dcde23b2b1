import { messageOf, SluiceError } from '../../core/errors.ts'
import { parseDatasetName, parseTenantId } from '../../core/identifiers.ts'
import { Fields } from '../input.ts'
import type { SeedDocument } from '../seed-document.ts'

/**
 * Reads `seed.json`, which synth wrote from parsed contracts and mappings with the types of `SeedDocument`. Names and
 * versions, which become keys, are checked here; the documents are hashed and stored as they are.
 * @throws SluiceError `invalid_seed`
 */
export function parseSeed(text: string): SeedDocument {
  try {
    const value: unknown = JSON.parse(text)
    const seed = new Fields(value, 'seed.json')
    for (const contract of seed.objects('contracts')) {
      parseDatasetName(contract.text('dataset'))
      contract.integer('version')
    }
    for (const mapping of seed.objects('mappings')) {
      parseTenantId(mapping.text('tenantId'))
      parseDatasetName(mapping.text('dataset'))
      mapping.integer('version')
      mapping.integer('contractVersion')
    }
    for (const ruleset of seed.objects('rulesets')) {
      parseDatasetName(ruleset.text('dataset'))
      ruleset.text('dqdl')
      ruleset.object('translations')
    }
    return value as SeedDocument
  } catch (cause) {
    throw new SluiceError('invalid_seed', `Cannot read seed.json: ${messageOf(cause)}`, { cause })
  }
}
