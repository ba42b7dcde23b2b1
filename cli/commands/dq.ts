import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Contract } from '../../core/contract.ts'
import { SluiceError } from '../../core/errors.ts'
import { parseContract } from '../../core/parse-contract.ts'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import { type DqRunResult, dqLint as lintFiles, dqRun as runRuleset, type TableModel } from '../../dqdl/dq-commands.ts'
import { explainRule, printExplanation } from '../../dqdl/explain.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { printRuleset } from '../../dqdl/print.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { columns } from '../table.ts'
import { requireFile } from '../upload.ts'

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

/** Input files that cannot be used are wrong use; an engine that fails is not. */
const asInputError = (thrown: unknown): unknown =>
  thrown instanceof SluiceError && !(thrown instanceof CommandError)
    ? new CommandError(EXIT.wrongUse, thrown.code, thrown.message, thrown.hint, thrown.where)
    : thrown

async function evaluate(rulesFile: string, dataFile: string, options: RunOptions): Promise<DqRunResult> {
  const tempDirectory = mkdtempSync(join(tmpdir(), 'sluice-dq-'))
  const engine = await openDuckdb({
    threads: availableParallelism(),
    memoryLimitBytes: Math.floor(totalmem() / 4),
    tempDirectory,
  })
  try {
    return await runRuleset(
      {
        rulesFile,
        dataFile,
        references: referencesOf(options.reference ?? []),
        historyFolder: options.history ?? null,
        failuresFile: options.failures ?? null,
        now: new Date(),
      },
      engine,
    )
  } catch (thrown) {
    throw asInputError(thrown)
  } finally {
    engine.close()
    await rm(tempDirectory, { recursive: true, force: true })
  }
}

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

function readContract(file: string | undefined): Contract | null {
  if (file === undefined) return null
  requireFile(file)
  const parsed = parseContract(readFileSync(file, 'utf8'), file)
  if (parsed.ok) return parsed.value
  const [first] = parsed.problems
  const { code = 'invalid_contract', message = 'is no contract', where = { file } } = first ?? {}
  throw new CommandError(EXIT.wrongUse, code, message, undefined, where)
}

/** `sluice dq lint FILE…` */
export async function dqLint(
  { output }: Invocation,
  files: readonly string[],
  options: { contract?: string },
): Promise<ExitCode> {
  for (const file of files) requireFile(file)
  const texts = files.map((file) => ({ file, text: readFileSync(file, 'utf8') }))
  const { document, table, exitCode } = await lintFiles(texts, readContract(options.contract))
  output.result(document, () => (document.length === 0 ? `${files.length} checked, nothing found` : printTable(table)))
  return exitCode
}

/** `sluice dq fmt FILE…`: the canonical form, on stdout or in place. */
export async function dqFmt(
  { output }: Invocation,
  files: readonly string[],
  options: { write?: boolean },
): Promise<ExitCode> {
  const printed = files.map((file) => {
    requireFile(file)
    const { ruleset, problems } = parseRuleset(readFileSync(file, 'utf8'))
    const [problem] = problems
    if (problem !== undefined) {
      const { at, hint } = problem
      throw new CommandError(EXIT.wrongUse, problem.code, problem.message, hint ?? undefined, { file, ...at })
    }
    return { file, text: printRuleset(ruleset) }
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
  const contract = readContract(options.contract)
  try {
    const explanation = await explainRule(rule, contract === null ? null : qualityColumnsOf(contract), new Date())
    output.result(explanation, () => printExplanation(explanation))
    return EXIT.done
  } catch (thrown) {
    throw asInputError(thrown)
  }
}
