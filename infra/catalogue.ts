import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import type { Contract } from '../core/contract.ts'
import { printPlace, SluiceError } from '../core/errors.ts'
import type { Mapping } from '../core/mapping.ts'
import { type Parsed, parseContract } from '../core/parse-contract.ts'
import { checkMappingAgainstContract, parseMapping } from '../core/parse-mapping.ts'
import type { FileProblem } from '../core/yaml-document.ts'
import { qualityColumnsOf } from '../dqdl/contract-columns.ts'
import { requireRuleset } from '../dqdl/parse.ts'
import { translateRuleset } from '../dqdl/spark-sql.ts'
import { checkMappingTypes } from '../glue/check-mapping.ts'
import type { SeedDocument, SeedRuleset } from '../lambdas/seed-document.ts'

/** Everything data engineers wrote, parsed: the source of tables, rulesets and the metadata function's seed. */
export interface Catalogue {
  readonly contracts: readonly Contract[]
  readonly mappings: readonly Mapping[]
  readonly rulesets: readonly SeedRuleset[]
}

export const seedDocumentOf = ({ contracts, mappings, rulesets }: Catalogue): SeedDocument => ({
  seedVersion: 1,
  contracts,
  mappings,
  rulesets,
})

const filesOf = (folder: string, suffix: RegExp): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => suffix.test(name))
        .sort()
        .map((name) => join(folder, name))
    : []

const sentence = ({ code, message, where }: FileProblem): string => `${printPlace(where)}: ${code}: ${message}`

const refuse = (problems: readonly FileProblem[]): never => {
  throw new SluiceError('invalid_catalogue', `Cannot synthesize:\n${problems.map(sentence).join('\n')}`, {
    hint: 'run npx sluice check',
    ...(problems[0] === undefined ? {} : { where: problems[0].where }),
  })
}

function valuesOf<T>(parsed: readonly Parsed<T>[]): readonly T[] {
  const problems = parsed.flatMap((one) => (one.ok ? [] : one.problems))
  if (problems.length > 0) refuse(problems)
  return parsed.flatMap((one) => (one.ok ? [one.value] : []))
}

interface FolderNames {
  readonly contractsFolder: string
  readonly rulesFolder: string
  /** Files are named from here in messages. */
  readonly root: string
}

async function rulesetsOf(
  contracts: readonly Contract[],
  { rulesFolder, root }: FolderNames,
): Promise<readonly SeedRuleset[]> {
  const known = new Set<string>(contracts.map(({ dataset }) => dataset))
  const stray = filesOf(rulesFolder, /\.dqdl$/).filter((file) => !known.has(basename(file, '.dqdl')))
  const missing = contracts.filter(({ dataset }) => !existsSync(join(rulesFolder, `${dataset}.dqdl`)))
  const problems = [
    ...stray.map((file) => ({
      code: 'ruleset_without_contract',
      message: 'No contract describes the dataset that the ruleset is named after',
      where: { file: relative(root, file) },
    })),
    ...missing.map(({ dataset }) => ({
      code: 'missing_ruleset',
      message: `Dataset "${dataset}" has no ruleset`,
      where: { file: relative(root, join(rulesFolder, `${dataset}.dqdl`)) },
    })),
  ]
  if (problems.length > 0) refuse(problems)
  return Promise.all(
    contracts.map(async (contract) => {
      const { dataset } = contract
      const file = join(rulesFolder, `${dataset}.dqdl`)
      const dqdl = readFileSync(file, 'utf8')
      const ruleset = requireRuleset(dqdl, relative(root, file))
      return { dataset, dqdl, translations: await translateRuleset(ruleset, [qualityColumnsOf(contract)]) }
    }),
  )
}

function checkedMappings(contracts: readonly Contract[], { contractsFolder, root }: FolderNames): readonly Mapping[] {
  const files = filesOf(join(contractsFolder, 'mappings'), /\.ya?ml$/)
  const texts = files.map((file) => ({ file: relative(root, file), text: readFileSync(file, 'utf8') }))
  const mappings = valuesOf(texts.map(({ file, text }) => parseMapping(text, file)))
  const problems = mappings.flatMap((mapping, index) => {
    const { file = '', text = '' } = texts[index] ?? {}
    const contract = contracts.find(({ dataset }) => dataset === mapping.dataset)
    if (contract !== undefined)
      return [
        ...checkMappingAgainstContract(mapping, contract, text, file),
        ...checkMappingTypes(mapping, contract, text, file),
      ]
    const message = `No contract describes dataset "${mapping.dataset}"`
    return [{ code: 'mapping_without_contract', message, where: { file } }]
  })
  return problems.length > 0 ? refuse(problems) : mappings
}

/** Reads all files of both folders. @throws SluiceError `invalid_catalogue` with every problem of every file, `ruleset_invalid` */
export async function readCatalogue(folders: FolderNames): Promise<Catalogue> {
  const files = filesOf(folders.contractsFolder, /\.ya?ml$/)
  const contracts = valuesOf(
    files.map((file) => parseContract(readFileSync(file, 'utf8'), relative(folders.root, file))),
  )
  return { contracts, mappings: checkedMappings(contracts, folders), rulesets: await rulesetsOf(contracts, folders) }
}
