import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { printPlace } from '../../core/errors.ts'
import type { FileProblem } from '../../core/yaml-document.ts'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { type BoundTests, bindRulesetTests, columnsOfTypes } from '../../dqdl/unit-tests/bind-ruleset-tests.ts'
import { parseRulesetTests, type RulesetTests } from '../../dqdl/unit-tests/ruleset-tests.ts'
import { runRulesetTests, type TestedRuleset } from '../../dqdl/unit-tests/run-ruleset-tests.ts'
import { readContract } from '../contract-file.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { withQualityEngine } from '../quality-engine.ts'
import { requireFile } from '../upload.ts'

const TESTS_SUFFIX = '.tests.yaml'
const RULES_SUFFIX = '.dqdl'

/** A ruleset with the file of its tests, which may not be there. */
interface RulesetWithTests {
  readonly ruleset: string
  readonly tests: string
}
interface FileResult extends TestedRuleset {
  readonly file: string
  readonly ruleset: string
}

const besideRuleset = (ruleset: string): RulesetWithTests => ({
  ruleset,
  tests: ruleset.replace(/\.dqdl$/, TESTS_SUFFIX),
})

/** What was named, or every ruleset and every tests file of the rules folder. */
function chosen(names: readonly string[], folder: string): readonly string[] {
  if (names.length > 0) return names
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new CommandError(EXIT.wrongUse, 'rules_missing', `There is no folder "${folder}"`, 'sluice dq test FILE…')
  const inside = readdirSync(folder).sort()
  return inside
    .filter((name) => name.endsWith(RULES_SUFFIX) || name.endsWith(TESTS_SUFFIX))
    .filter((name) => !name.endsWith(TESTS_SUFFIX) || !inside.includes(name.replace(TESTS_SUFFIX, RULES_SUFFIX)))
    .map((name) => join(folder, name))
}

const testsFileOf = (name: string): string => (name.endsWith(RULES_SUFFIX) ? besideRuleset(name).tests : name)

function refuse(problems: readonly FileProblem[]): never {
  const [first] = problems
  const others = problems.length <= 1 ? '' : ` (and ${problems.length - 1} more)`
  throw new CommandError(
    EXIT.wrongUse,
    first?.code ?? 'invalid_tests',
    `${first?.message}${others}`,
    first?.expected === undefined ? undefined : `Expected ${first.expected}`,
    first?.where,
  )
}

const rulesetFileOf = ({ file, ruleset }: RulesetTests): string =>
  join(dirname(file), ruleset ?? basename(file).replace(TESTS_SUFFIX, RULES_SUFFIX))

/** Reads a tests file with all that it names. @throws CommandError for the first thing wrong */
function readBound(file: string): { readonly bound: BoundTests; readonly ruleset: string } {
  requireFile(file)
  const parsed = parseRulesetTests(readFileSync(file, 'utf8'), file)
  if (!parsed.ok) return refuse(parsed.problems)
  const ruleset = rulesetFileOf(parsed.value)
  requireFile(ruleset)
  const { contract, columns } = parsed.value
  const known =
    contract === null ? columnsOfTypes(columns ?? {}) : qualityColumnsOf(readContract(join(dirname(file), contract)))
  const bound = bindRulesetTests(parsed.value, requireRuleset(readFileSync(ruleset, 'utf8'), ruleset), known)
  return bound.ok ? { bound: bound.value, ruleset } : refuse(bound.problems)
}

const OUTCOME_WORDS = { PASS: 'pass', FAIL: 'fail', ERROR: 'be ERROR' } as const
const FOUND_WORDS = { PASS: 'it passed', FAIL: 'it failed', ERROR: 'it could not be evaluated' } as const

function printFile({ file, ruleset, tests, neverFails, neverPasses }: FileResult): string {
  const lines = [file]
  for (const { name, line, passed, surprises } of tests) {
    lines.push(`  ${passed ? 'ok  ' : 'FAIL'}  ${name}${passed ? '' : `  (${printPlace({ file, line })})`}`)
    for (const { rule, expected, found, message } of surprises)
      lines.push(
        `          ${rule}`,
        `            was to ${OUTCOME_WORDS[expected]}: ${FOUND_WORDS[found]}${message === null ? '' : ` (${message.split('\n')[0]})`}`,
      )
  }
  for (const { rule, line } of neverFails)
    lines.push(`  ${printPlace({ file: ruleset, line })}: no test makes this rule fail: ${rule}`)
  for (const { rule, line } of neverPasses)
    lines.push(`  ${printPlace({ file: ruleset, line })}: in no test this rule passes: ${rule}`)
  return lines.join('\n')
}

function summary(results: readonly FileResult[], untested: readonly string[]): string {
  const tests = results.flatMap((each) => each.tests)
  const failed = tests.filter(({ passed }) => !passed).length
  const shown = results.flatMap((each) => each.neverFails).length
  return [
    ...untested.map(
      (ruleset) => `${ruleset}: no tests: ${basename(besideRuleset(ruleset).tests)} is missing beside it`,
    ),
    `${tests.length} tests, ${tests.length - failed} as expected, ${failed} not; ${shown} ${shown === 1 ? 'rule' : 'rules'} that no test makes fail`,
  ].join('\n')
}

/**
 * `sluice dq test [FILE…]`: 0 every test is as expected and every rule is seen to fail, 1 not so, 2 a file is wrong.
 * A file is a tests file or a ruleset with its tests beside it; without any, those of the rules folder.
 */
export async function dqTest({ output, environment }: Invocation, names: readonly string[]): Promise<ExitCode> {
  const files = chosen(names, environment.SLUICE_RULES ?? 'dq-rules')
  for (const name of names) requireFile(name)
  const untested = files.filter((name) => name.endsWith(RULES_SUFFIX) && !existsSync(testsFileOf(name)))
  const read = files.filter((name) => !untested.includes(name)).map((name) => testsFileOf(name))
  const bound = read.map((file) => ({ file, ...readBound(file) }))
  const results = await withQualityEngine(async (engine) => {
    const done: FileResult[] = []
    for (const { file, ruleset, bound: tests } of bound)
      done.push({ file, ruleset, ...(await runRulesetTests(tests, file, engine)) })
    return done
  })
  const passed = untested.length === 0 && results.every((each) => each.passed)
  output.result({ passed, files: results, untested }, () =>
    [...results.map(printFile), '', summary(results, untested)].join('\n').trimStart(),
  )
  return passed ? EXIT.done : EXIT.no
}
