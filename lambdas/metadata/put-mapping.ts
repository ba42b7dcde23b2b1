import type { Contract } from '../../core/contract.ts'
import { digestOfJson } from '../../core/digest.ts'
import { SluiceError } from '../../core/errors.ts'
import type { Mapping } from '../../core/mapping.ts'
import { checkMappingAgainstContract, parseMapping } from '../../core/parse-mapping.ts'
import type { FileProblem } from '../../core/yaml-document.ts'
import { type Database, firstRowOf } from './database.ts'
import { putMapping } from './seed.ts'

const FILE = 'mapping'

function refuse(problems: readonly FileProblem[]): never {
  const [first] = problems
  throw new SluiceError(
    'invalid_mapping',
    `Cannot save the mapping: ${problems.map((problem) => problem.message).join('; ')}`.slice(0, 2000),
    first === undefined ? {} : { where: first.where },
  )
}

function parsed(text: string): Mapping {
  const result = parseMapping(text, FILE)
  return result.ok ? result.value : refuse(result.problems)
}

/** The contract as the store has it; its hash says that it is what our own parser once gave. */
async function contractFor(database: Database, mapping: Mapping): Promise<Contract> {
  const row = await database.asOperator((sql) =>
    firstRowOf(sql, 'SELECT document, hash FROM sluice.contracts WHERE dataset = $1 AND version = $2 AND current', [
      mapping.dataset,
      mapping.contractVersion,
    ]),
  )
  const document = row?.unknown('document')
  if (row === null || digestOfJson(document) !== row.text('hash'))
    throw new SluiceError(
      'unknown_dataset',
      `Cannot save the mapping as there is no contract version ${mapping.contractVersion} of "${mapping.dataset}"`,
      { found: `${mapping.dataset}@${mapping.contractVersion}` },
    )
  return document as Contract
}

/**
 * Saves a tenant's mapping, given as the YAML text of a mapping file, as the tenant's own: seeding leaves it alone from then on.
 * @throws SluiceError `invalid_mapping`, `unknown_dataset`, `unknown_tenant`
 */
export async function saveMapping(database: Database, text: string, at: string) {
  const mapping = parsed(text)
  const contract = await contractFor(database, mapping)
  const problems = checkMappingAgainstContract(mapping, contract, text, FILE)
  if (problems.length > 0) refuse(problems)
  const outcome = await database.asTenant(mapping.tenantId, async (sql) => {
    const tenant = await firstRowOf(sql, 'SELECT 1 AS found FROM sluice.tenants WHERE tenant_id = $1', [
      mapping.tenantId,
    ])
    if (tenant === null) throw new SluiceError('unknown_tenant', `There is no tenant "${mapping.tenantId}"`)
    return putMapping(sql, mapping, 'tenant', at)
  })
  const { tenantId, dataset, version } = mapping
  return { outcome, tenantId, dataset, version, hash: digestOfJson(mapping) }
}
