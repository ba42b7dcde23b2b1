import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import {
  type DqRunRequest,
  type DqRunResult,
  dqLint as lintFiles,
  dqRun as runRuleset,
  type TableModel,
} from '../../dqdl/dq-commands.ts'
import type { QualityConnection } from '../../dqdl/execute.ts'
import { explainRule, printExplanation } from '../../dqdl/explain.ts'
import { formatRuleset } from '../../dqdl/format.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { distributionsOf } from '../../dqdl/report/distributions.ts'
import { columnsOfRule, type FailingRows, firstFailingRows } from '../../dqdl/report/failing-rows.ts'
import { printHtml } from '../../dqdl/report/html.ts'
import { printJunit } from '../../dqdl/report/junit.ts'
import { printScans, scansOf } from '../../dqdl/scans.ts'
import { readContract } from '../contract-file.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { asInputError, withQualityEngine } from '../quality-engine.ts'
import { referencesOf } from '../references.ts'
import { columns } from '../table.ts'
import { requireFile } from '../upload.ts'

/** Rows shown of each rule that they break. */
const SHOWN_ROWS = 3
const CELL_CHARACTERS = 40

interface RunOptions {
  readonly rules?: string
  readonly data?: string
  readonly reference?: readonly string[]
  readonly history?: string
  readonly failures?: string
  readonly junit?: string
  readonly html?: string
  readonly explain?: boolean
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

interface Ran {
  readonly ran: DqRunResult
  /** First failing rows, for people; nobody reads them beside `--json`. */
  readonly failing: readonly FailingRows[]
}

const evaluate = (rulesFile: string, dataFile: string, options: RunOptions, forPeople: boolean): Promise<Ran> =>
  withQualityEngine(async (engine) => {
    const now = new Date()
    const request = {
      rulesFile,
      dataFile,
      references: referencesOf(options.reference ?? []),
      historyFolder: options.history ?? null,
      failuresFile: options.failures ?? null,
      now,
    }
    const ran = await runRuleset(request, engine)
    const wanted = forPeople || options.html !== undefined
    const failing = wanted ? await firstFailingRows(ran.evaluated, SHOWN_ROWS, engine) : []
    if (options.junit !== undefined) writeFileSync(options.junit, printJunit(ran.evaluated, basename(rulesFile), now))
    if (options.html !== undefined) writeFileSync(options.html, await htmlReport(request, { ran, failing }, engine))
    return { ran, failing }
  })

async function htmlReport(
  { rulesFile, dataFile, now }: DqRunRequest,
  { ran, failing }: Ran,
  engine: QualityConnection,
): Promise<string> {
  const { evaluated, history } = ran
  const named = new Set(evaluated.ruleset.rules.flatMap((rule) => columnsOfRule(rule, evaluated)))
  const shown = evaluated.columns.filter(({ name }) => named.has(name))
  const [row = {}] = await engine.rows('SELECT count(*) AS row_count FROM sluice_data')
  return printHtml({
    evaluated,
    rulesFile: basename(rulesFile),
    dataFile: basename(dataFile),
    at: now,
    rows: Number(row.row_count),
    history,
    failing,
    distributions: await distributionsOf(shown, engine),
  })
}

/** Told before the evaluation, and not after it. @throws CommandError `folder_not_found` */
function requireFolderOf(file: string): void {
  const folder = dirname(file)
  if (!existsSync(folder))
    throw new CommandError(EXIT.wrongUse, 'folder_not_found', `Cannot write "${file}": there is no folder "${folder}"`)
}

const shortened = (text: string): string =>
  text.length > CELL_CHARACTERS ? `${text.slice(0, CELL_CHARACTERS - 1)}…` : text

function printFailing({ document }: DqRunResult, failing: readonly FailingRows[]): readonly string[] {
  return failing.flatMap(({ name, columns: names, rows }) => {
    const rule = document.RuleResults.find(({ Name }) => Name === name)?.Description ?? name
    const body = rows.map(({ number, values }) => [
      String(number),
      ...values.map((value) => shortened(value ?? 'NULL')),
    ])
    return [
      '',
      `first rows that break ${rule}`,
      printTable([['  row', ...names], ...body.map(([number = '', ...rest]) => [`  ${number}`, ...rest])]),
    ]
  })
}

/** `sluice dq run`: 0 gate passed, 1 gate failed, 2 ruleset invalid, 3 a gate rule could not be evaluated. */
export async function dqRun({ output }: Invocation, options: RunOptions): Promise<ExitCode> {
  const rulesFile = requireOption('rules', options.rules)
  const dataFile = requireOption('data', options.data)
  requireFile(rulesFile)
  requireFile(dataFile)
  for (const file of [options.failures, options.junit, options.html]) if (file !== undefined) requireFolderOf(file)
  const { ran, failing } = await evaluate(rulesFile, dataFile, options, !output.json)
  const { document, table, exitCode, failingRows } = ran
  const scans = options.explain === true ? scansOf(ran.evaluated.plan, ran.evaluated.ran) : null
  const verdict = { 0: 'the gate passed', 1: 'the gate failed', 3: 'a gate rule could not be evaluated' }[exitCode]
  output.result(scans === null ? document : { ...document, Scans: scans }, () =>
    [
      printTable(table),
      ...printFailing(ran, failing),
      ...(scans === null ? [] : ['', ...printScans(scans)]),
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
  const texts = files.map((file) => ({ file, text: readFileSync(file, 'utf8') }))
  const { document, table, exitCode } = await lintFiles(
    texts,
    options.contract === undefined ? null : readContract(options.contract),
  )
  output.result(document, () => (document.length === 0 ? `${files.length} checked, nothing found` : printTable(table)))
  return exitCode
}

interface Formatted {
  readonly file: string
  readonly text: string
  /** The file is not in this form. */
  readonly changed: boolean
}

/** @throws CommandError with the first problem of a file that does not parse */
function formatted(file: string): Formatted {
  requireFile(file)
  const source = readFileSync(file, 'utf8')
  const parsed = parseRuleset(source)
  const [problem] = parsed.problems
  if (problem !== undefined) {
    const { at, hint } = problem
    throw new CommandError(EXIT.wrongUse, problem.code, problem.message, hint ?? undefined, { file, ...at })
  }
  const text = formatRuleset(source, parsed) ?? source
  return { file, text, changed: text !== source }
}

/** `sluice dq fmt FILE…`: the canonical form, on stdout or in place; with `--check` 1 when a file is not in it. */
export async function dqFmt(
  { output }: Invocation,
  files: readonly string[],
  { write = false, check = false }: { write?: boolean; check?: boolean },
): Promise<ExitCode> {
  const all = files.map(formatted)
  const changed = all.filter((each) => each.changed)
  if (write && !check) for (const { file, text } of changed) writeFileSync(file, text)
  const names = changed.map(({ file }) => file)
  output.result(all, () => {
    if (check) return [...names, `${names.length} of ${all.length} files are not in the canonical form`].join('\n')
    return write ? names.join('\n') : all.map(({ text }) => text.trimEnd()).join('\n')
  })
  return check && changed.length > 0 ? EXIT.no : EXIT.done
}

/** `sluice dq explain RULE` */
export async function dqExplain(
  { output }: Invocation,
  rule: string,
  options: { contract?: string },
): Promise<ExitCode> {
  const contract = options.contract === undefined ? null : readContract(options.contract)
  try {
    const explanation = await explainRule(rule, contract === null ? null : qualityColumnsOf(contract), new Date())
    output.result(explanation, () => printExplanation(explanation))
    return EXIT.done
  } catch (thrown) {
    throw asInputError(thrown)
  }
}
