import { readFileSync, writeFileSync } from 'node:fs'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import { type DqRunResult, dqLint as lintFiles, dqRun as runRuleset, type TableModel } from '../../dqdl/dq-commands.ts'
import { explainRule, printExplanation } from '../../dqdl/explain.ts'
import { formatRuleset } from '../../dqdl/format.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { readContract } from '../contract-file.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { asInputError, withQualityEngine } from '../quality-engine.ts'
import { columns } from '../table.ts'
import { requireFile } from '../upload.ts'
import { preferShortWasm } from '../wasm-start.ts'

interface RunOptions {
  readonly rules?: string
  readonly data?: string
  readonly reference?: readonly string[]
  readonly history?: string
  readonly failures?: string
}

const printTable = (table: TableModel): string =>
  columns(
    table,
    (table[0] ?? []).map(() => 'left'),
  )

function requireOption(name: string, value: string | undefined): string {
  if (value !== undefined) return value
  throw new CommandError(
    EXIT.wrongUse,
    'missing_option',
    `Option --${name} is needed`,
    'sluice dq run --rules FILE --data FILE',
  )
}

function referencesOf(pairs: readonly string[]): Record<string, string> {
  const references: Record<string, string> = {}
  for (const pair of pairs) {
    const [, alias, file] = /^([^=]+)=(.+)$/s.exec(pair) ?? []
    if (alias === undefined || file === undefined) {
      throw new CommandError(
        EXIT.wrongUse,
        'invalid_reference',
        `Cannot use "${pair}" as --reference: expected ALIAS=FILE`,
      )
    }
    requireFile(file)
    references[alias] = file
  }
  return references
}

const evaluate = (rulesFile: string, dataFile: string, options: RunOptions): Promise<DqRunResult> =>
  withQualityEngine((engine) =>
    runRuleset(
      {
        rulesFile,
        dataFile,
        references: referencesOf(options.reference ?? []),
        historyFolder: options.history ?? null,
        failuresFile: options.failures ?? null,
        now: new Date(),
      },
      engine,
    ),
  )

/** `sluice dq run`: 0 gate passed, 1 gate failed, 2 ruleset invalid, 3 a gate rule could not be evaluated. */
export async function dqRun({ output }: Invocation, options: RunOptions): Promise<ExitCode> {
  const rulesFile = requireOption('rules', options.rules)
  const dataFile = requireOption('data', options.data)
  requireFile(rulesFile)
  requireFile(dataFile)
  const { document, table, exitCode, failingRows } = await evaluate(rulesFile, dataFile, options)
  const verdict = { 0: 'the gate passed', 1: 'the gate failed', 3: 'a gate rule could not be evaluated' }[exitCode]
  output.result(document, () =>
    [
      printTable(table),
      '',
      `score ${document.Score}: ${verdict}`,
      ...(failingRows === null ? [] : [`${failingRows} failing rows in ${options.failures}`]),
    ].join('\n'),
  )
  return exitCode
}

/** `sluice dq lint FILE…` */
export async function dqLint(
  { output }: Invocation,
  files: readonly string[],
  options: { contract?: string },
): Promise<ExitCode> {
  for (const file of files) requireFile(file)
  preferShortWasm()
  const texts = files.map((file) => ({ file, text: readFileSync(file, 'utf8') }))
  const { document, table, exitCode } = await lintFiles(
    texts,
    options.contract === undefined ? null : readContract(options.contract),
  )
  output.result(document, () => (document.length === 0 ? `${files.length} checked, nothing found` : printTable(table)))
  return exitCode
}

/** `sluice dq fmt FILE…`: the canonical form with its comments, on stdout or in place. */
export async function dqFmt(
  { output }: Invocation,
  files: readonly string[],
  options: { write?: boolean },
): Promise<ExitCode> {
  const printed = files.map((file) => {
    requireFile(file)
    const source = readFileSync(file, 'utf8')
    const parsed = parseRuleset(source)
    const [problem] = parsed.problems
    if (problem !== undefined) {
      const { at, hint } = problem
      throw new CommandError(EXIT.wrongUse, problem.code, problem.message, hint ?? undefined, { file, ...at })
    }
    return { file, text: formatRuleset(source, parsed) ?? source }
  })
  if (options.write === true) for (const { file, text } of printed) writeFileSync(file, text)
  output.result(printed, () => (options.write === true ? '' : printed.map(({ text }) => text.trimEnd()).join('\n')))
  return EXIT.done
}

/** `sluice dq explain RULE` */
export async function dqExplain(
  { output }: Invocation,
  rule: string,
  options: { contract?: string },
): Promise<ExitCode> {
  const contract = options.contract === undefined ? null : readContract(options.contract)
  preferShortWasm()
  try {
    const explanation = await explainRule(rule, contract === null ? null : qualityColumnsOf(contract), new Date())
    output.result(explanation, () => printExplanation(explanation))
    return EXIT.done
  } catch (thrown) {
    throw asInputError(thrown)
  }
}
