import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Contract } from '../core/contract.ts'
import type { Mapping } from '../core/mapping.ts'
import { parseContract } from '../core/parse-contract.ts'
import { checkMappingAgainstContract, parseMapping } from '../core/parse-mapping.ts'
import { type FileProblem, nearestOf } from '../core/yaml-document.ts'
import { checkMappingTypes } from '../glue/check-mapping.ts'

/** A ruleset file beside the dataset that it is for. */
export interface RulesetFile {
  readonly dataset: string
  readonly file: string
  readonly text: string
}

/** What data engineers write, parsed, with all that is wrong across the files. */
export interface Project {
  readonly contracts: ReadonlyMap<string, Contract>
  readonly mappings: readonly Mapping[]
  readonly rulesets: readonly RulesetFile[]
  readonly files: readonly string[]
  readonly problems: readonly FileProblem[]
}

export interface ProjectFolders {
  readonly contracts: string
  readonly rules: string
}

const filesOf = (folder: string, suffix: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith(suffix))
        .sort()
        .map((name) => join(folder, name))
    : []

const misnamed = (file: string, expected: string): FileProblem => ({
  code: 'misnamed_file',
  message: `"${basename(file)}" must be named "${expected}" after what it holds`,
  where: { file },
  expected,
  found: basename(file),
})

/** What the contract files hold; datasets whose contract is there, but wrong, are told once, by that file. */
interface Contracts {
  readonly byDataset: Map<string, Contract>
  readonly wrong: ReadonlySet<string>
}

function readContracts(folder: string, problems: FileProblem[]): Contracts {
  const byDataset = new Map<string, Contract>()
  const wrong = new Set<string>()
  for (const file of filesOf(folder, '.yaml')) {
    const parsed = parseContract(readFileSync(file, 'utf8'), file)
    if (!parsed.ok) {
      problems.push(...parsed.problems)
      wrong.add(basename(file, '.yaml'))
    } else {
      if (basename(file) !== `${parsed.value.dataset}.yaml`)
        problems.push(misnamed(file, `${parsed.value.dataset}.yaml`))
      byDataset.set(parsed.value.dataset, parsed.value)
    }
  }
  return { byDataset, wrong }
}

/** The place of a top-level member of a YAML file. */
function memberPlace(text: string, file: string, member: string): FileProblem['where'] {
  const line = text.split('\n').findIndex((each) => each.startsWith(`${member}:`)) + 1
  return { file, ...(line === 0 ? {} : { line, column: 1 }), path: `/${member}` }
}

function readMappings(folder: string, { byDataset, wrong }: Contracts, problems: FileProblem[]): Mapping[] {
  const mappings: Mapping[] = []
  for (const file of filesOf(join(folder, 'mappings'), '.yaml')) {
    const text = readFileSync(file, 'utf8')
    const parsed = parseMapping(text, file)
    if (!parsed.ok) {
      problems.push(...parsed.problems)
      continue
    }
    const { tenantId, dataset } = parsed.value
    if (basename(file) !== `${tenantId}.${dataset}.yaml`) problems.push(misnamed(file, `${tenantId}.${dataset}.yaml`))
    const contract = byDataset.get(dataset)
    if (contract === undefined && !wrong.has(dataset)) {
      const nearest = nearestOf(dataset, [...byDataset.keys()])
      problems.push({
        code: 'unknown_dataset',
        message: `Dataset "${dataset}" has no contract${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
        where: memberPlace(text, file, 'dataset'),
        found: dataset,
      })
    }
    if (contract !== undefined) {
      problems.push(...checkMappingAgainstContract(parsed.value, contract, text, file))
      problems.push(...checkMappingTypes(parsed.value, contract, text, file))
    }
    mappings.push(parsed.value)
  }
  return mappings
}

/** Reads all contracts, mappings and rulesets; a dataset needs a ruleset, a ruleset needs a dataset. */
export function readProject(folders: ProjectFolders): Project {
  const problems: FileProblem[] = []
  const found = readContracts(folders.contracts, problems)
  const contracts = found.byDataset
  const mappings = readMappings(folders.contracts, found, problems)
  const rulesets = filesOf(folders.rules, '.dqdl').map((file) => ({
    dataset: basename(file, '.dqdl'),
    file,
    text: readFileSync(file, 'utf8'),
  }))
  for (const { dataset, file } of rulesets) {
    if (!contracts.has(dataset) && !found.wrong.has(dataset))
      problems.push({
        code: 'unknown_dataset',
        message: `Ruleset "${basename(file)}" is for a dataset that has no contract`,
        where: { file, line: 1, column: 1 },
        found: dataset,
      })
  }
  for (const dataset of contracts.keys()) {
    if (rulesets.some((ruleset) => ruleset.dataset === dataset)) continue
    const file = join(folders.rules, `${dataset}.dqdl`)
    problems.push({
      code: 'missing_ruleset',
      message: `Dataset "${dataset}" has no quality rules`,
      where: { file },
      expected: file,
    })
  }
  const files = [
    ...filesOf(folders.contracts, '.yaml'),
    ...filesOf(join(folders.contracts, 'mappings'), '.yaml'),
    ...rulesets.map(({ file }) => file),
  ]
  return { contracts, mappings, rulesets, files, problems }
}
