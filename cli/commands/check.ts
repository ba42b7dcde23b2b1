import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { printPlace } from '../../core/errors.ts'
import type { FileProblem } from '../../core/yaml-document.ts'
import { definitionProblems } from '../definition-check.ts'
import type { Invocation } from '../invocation.ts'
import { loadSizeProblems } from '../load-check.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { readProject } from '../project.ts'
import { rulesetFindings, type SevereProblem, testsFileOf, testsProblems } from '../ruleset-check.ts'

const asErrors = (problems: readonly FileProblem[]): SevereProblem[] =>
  problems.map((problem) => ({ ...problem, severity: 'error' }))

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
  const definitions = await definitionProblems(join(directory, 'asl'), (file) => readFileSync(file, 'utf8'))
  const tests = project.rulesets.flatMap((ruleset) => {
    const file = testsFileOf(ruleset)
    return file === null ? [] : [{ ruleset, file }]
  })
  const found: SevereProblem[] = [
    ...asErrors(project.problems),
    ...(await rulesetFindings(project.rulesets, project.contracts)),
    ...asErrors(tests.flatMap(({ ruleset, file }) => testsProblems(ruleset, file, project.contracts))),
    ...asErrors(loadSizeProblems(project, resolve(directory, contracts))),
    ...asErrors(definitions.problems),
  ]
  const files = [...project.files, ...tests.map(({ file }) => file), ...definitions.files]
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
