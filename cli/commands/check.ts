import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Contract } from '../../core/contract.ts'
import { printPlace } from '../../core/errors.ts'
import type { FileProblem } from '../../core/yaml-document.ts'
import { lintRuleset } from '../../dqdl/lint.ts'
import { definitionProblems } from '../definition-check.ts'
import type { Invocation } from '../invocation.ts'
import { loadSizeProblems } from '../load-check.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { type RulesetFile, readProject } from '../project.ts'

interface Severe extends FileProblem {
  readonly severity: 'error' | 'warning'
}

const asErrors = (problems: readonly FileProblem[]): Severe[] =>
  problems.map((problem) => ({ ...problem, severity: 'error' }))

const lintOf = ({ file, dataset, text }: RulesetFile, contracts: ReadonlyMap<string, Contract>): Severe[] => {
  const contract = contracts.get(dataset)
  return lintRuleset(text, contract === undefined ? {} : { contract }).map(
    ({ line, column, severity, code, message }) => ({ severity, code, message, where: { file, line, column } }),
  )
}

/** `sluice check`: contracts, mappings, rulesets and definitions, each by itself and against the others. */
export async function check({ output, directory, environment }: Invocation): Promise<ExitCode> {
  const contracts = environment.SLUICE_CONTRACTS ?? 'contracts'
  const rules = environment.SLUICE_RULES ?? 'dq-rules'
  if (!existsSync(resolve(directory, contracts)))
    throw new CommandError(
      EXIT.wrongUse,
      'contracts_missing',
      `There is no folder "${resolve(directory, contracts)}"`,
      'Run sluice check in the folder that holds contracts and dq-rules',
    )
  const project = readProject({ contracts: resolve(directory, contracts), rules: resolve(directory, rules) })
  const definitions = definitionProblems(join(directory, 'asl'), (file) => readFileSync(file, 'utf8'))
  const found: Severe[] = [
    ...asErrors(project.problems),
    ...project.rulesets.flatMap((ruleset) => lintOf(ruleset, project.contracts)),
    ...asErrors(loadSizeProblems(project, resolve(directory, contracts))),
    ...asErrors(definitions.problems),
  ]
  const files = [...project.files, ...definitions.files]
  const errors = found.filter((problem) => problem.severity === 'error').length
  const relative = found.map((problem) => ({
    ...problem,
    where: {
      ...problem.where,
      ...(problem.where.file === undefined ? {} : { file: problem.where.file.replace(`${directory}/`, '') }),
    },
  }))
  output.result(
    relative.map(({ where, ...problem }) => ({ ...where, ...problem })),
    () =>
      [
        ...relative.map(
          ({ severity, code, message, where, expected, found: seen }) =>
            `${printPlace(where)}: ${severity}: ${message} [${code}]${expected === undefined ? '' : `\n    expected ${expected}`}${seen === undefined ? '' : `\n    found ${seen}`}`,
        ),
        `${files.length} files checked, ${errors} errors, ${found.length - errors} warnings`,
      ].join('\n'),
  )
  return errors === 0 ? EXIT.done : EXIT.wrongUse
}
