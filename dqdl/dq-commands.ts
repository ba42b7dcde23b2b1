import { readFile } from 'node:fs/promises'
import type { Contract } from '../core/contract.ts'
import { readableFile } from './data-file.ts'
import { type Evaluated, evaluateRuleset } from './evaluate.ts'
import type { QualityConnection } from './execute.ts'
import type { GlueResult } from './glue-result.ts'
import { appendHistory, historyOf, type KeptResult, readResults } from './history.ts'
import { type Finding, lintRuleset } from './lint.ts'
import { parseRuleset, requireRuleset } from './parse.ts'
import { translateRuleset } from './spark-sql.ts'

/** Exit codes of `sluice dq`: the gate passed, it failed, the ruleset is invalid, a gate rule could not be evaluated. */
export const GATE_EXIT_CODES = { PASS: 0, FAIL: 1, ERROR: 3 } as const

/** Rows of a table for people, with the first row as its head. */
export type TableModel = readonly (readonly string[])[]

export interface DqRunRequest {
  readonly rulesFile: string
  readonly dataFile: string
  /** Files by alias. */
  readonly references: Readonly<Record<string, string>>
  /** Folder of earlier results; read for `last(k)` and appended to. */
  readonly historyFolder: string | null
  readonly failuresFile: string | null
  readonly now: Date
}
export interface DqRunResult {
  /** What `--json` prints. */
  readonly document: GlueResult
  readonly table: TableModel
  readonly exitCode: 0 | 1 | 3
  readonly failingRows: number | null
  /** For reports; the connection still has the data. */
  readonly evaluated: Evaluated
  /** Earlier results of the history folder, newest first. */
  readonly history: readonly KeptResult[]
}

/** `sluice dq run`. @throws SluiceError `ruleset_invalid` (exit 2), `unsupported_format`, `unreadable_data` */
export async function dqRun(request: DqRunRequest, connection: QualityConnection): Promise<DqRunResult> {
  const { rulesFile, historyFolder, failuresFile, now } = request
  const ruleset = requireRuleset(await readFile(rulesFile, 'utf8'), rulesFile)
  const { relation } = await readableFile(request.dataFile, connection)
  const references: Record<string, string> = {}
  for (const [alias, file] of Object.entries(request.references))
    references[alias] = (await readableFile(file, connection)).relation
  const kept = historyFolder === null ? [] : await readResults(historyFolder)
  const evaluated = await evaluateRuleset(
    {
      ruleset,
      relation,
      references,
      now,
      history: historyOf(kept.map(({ result }) => result)),
      ...(failuresFile === null ? {} : { failures: failuresFile }),
    },
    connection,
  )
  if (historyFolder !== null) await appendHistory(historyFolder, evaluated.result, now)
  return {
    document: evaluated.result,
    table: resultTable(evaluated),
    exitCode: GATE_EXIT_CODES[evaluated.gate],
    failingRows: evaluated.failingRows,
    evaluated,
    history: kept,
  }
}

const metricText = (metrics: Readonly<Record<string, number | string>>): string =>
  Object.entries(metrics)
    .map(([name, value]) => `${name.split('.').at(-1)} ${value}`)
    .join(', ')

/** Rule, severity, result, metrics, message. */
export function resultTable({ result, plan }: Pick<Evaluated, 'result' | 'plan'>): TableModel {
  const severities = new Map(plan.rules.map(({ name, severity }) => [name, severity]))
  const rows = result.RuleResults.map((rule) => [
    rule.Result,
    severities.get(rule.Name) ?? 'gate',
    rule.Description,
    metricText(rule.EvaluatedMetrics),
    rule.EvaluationMessage?.split('\n')[0] ?? '',
  ])
  return [['result', 'severity', 'rule', 'metrics', 'message'], ...rows]
}

export interface FileFinding extends Finding {
  readonly file: string
}
export interface DqLintResult {
  /** What `--json` prints. */
  readonly document: readonly FileFinding[]
  readonly table: TableModel
  /** 2 when any finding is an error. */
  readonly exitCode: 0 | 2
}

/** `sluice dq lint`: all findings of all files, in the order of the files and of their texts. */
export async function dqLint(
  files: readonly { readonly file: string; readonly text: string }[],
  contract: Contract | null,
): Promise<DqLintResult> {
  const findings: FileFinding[] = []
  for (const { file, text } of files) {
    const translations = await translateRuleset(parseRuleset(text).ruleset)
    const options = contract === null ? { translations } : { translations, contract }
    findings.push(...lintRuleset(text, options).map((finding) => ({ file, ...finding })))
  }
  return {
    document: findings,
    table: [
      ['place', 'severity', 'code', 'message'],
      ...findings.map(({ file, line, column, severity, code, message }) => [
        `${file}:${line}:${column}`,
        severity,
        code,
        message,
      ]),
    ],
    exitCode: findings.some(({ severity }) => severity === 'error') ? 2 : 0,
  }
}
