import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Contract } from '../core/contract.ts'
import type { FileProblem } from '../core/yaml-document.ts'
import { qualityColumnsOf } from '../dqdl/contract-columns.ts'
import { dqLint } from '../dqdl/dq-commands.ts'
import { parseRuleset } from '../dqdl/parse.ts'
import { bindRulesetTests, columnsOfTypes } from '../dqdl/unit-tests/bind-ruleset-tests.ts'
import { parseRulesetTests } from '../dqdl/unit-tests/ruleset-tests.ts'
import type { RulesetFile } from './project.ts'

/** A problem that may be only worth a look. */
export interface SevereProblem extends FileProblem {
  readonly severity: 'error' | 'warning'
}

/** Everything the linter says of the rulesets, each against its contract, the Spark SQL in them included. */
export async function rulesetFindings(
  rulesets: readonly RulesetFile[],
  contracts: ReadonlyMap<string, Contract>,
): Promise<readonly SevereProblem[]> {
  const findings: SevereProblem[] = []
  for (const { file, dataset, text } of rulesets) {
    const { document } = await dqLint([{ file, text }], contracts.get(dataset) ?? null)
    for (const { line, column, severity, code, message } of document)
      findings.push({ severity, code, message, where: { file, line, column } })
  }
  return findings
}

/** The file of a ruleset's unit tests, or `null` when it has none. */
export function testsFileOf({ file, dataset }: RulesetFile): string | null {
  const tests = join(dirname(file), `${dataset}.tests.yaml`)
  return existsSync(tests) ? tests : null
}

/** What is wrong with the unit tests beside a ruleset, without running them: their form, columns and rules that are unknown. */
export function testsProblems(
  ruleset: RulesetFile,
  file: string,
  contracts: ReadonlyMap<string, Contract>,
): readonly FileProblem[] {
  const parsed = parseRulesetTests(readFileSync(file, 'utf8'), file)
  if (!parsed.ok) return parsed.problems
  const contract = contracts.get(ruleset.dataset)
  const { columns } = parsed.value
  // A contract or ruleset that is wrong is told by its own file.
  if (columns === null && contract === undefined) return []
  const { ruleset: rules, problems } = parseRuleset(ruleset.text)
  if (problems.length > 0) return []
  const known = columns === null && contract !== undefined ? qualityColumnsOf(contract) : columnsOfTypes(columns ?? {})
  const bound = bindRulesetTests(parsed.value, rules, known)
  return bound.ok ? [] : bound.problems
}
