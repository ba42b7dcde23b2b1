import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { Range } from 'vscode-languageserver/node'
import { parseContract } from '../core/parse-contract.ts'
import { lintRuleset } from '../dqdl/lint.ts'
import { parseRuleset } from '../dqdl/parse.ts'
import type { BenchContext } from './context.ts'
import { LanguageClient } from './language-client.ts'
import { alone, type Report } from './report.ts'

/** One of each kind of rule that rulesets are made of; `%` is a number of its own. */
const RULES = [
  'IsComplete "order_id" where "amount > %"',
  'ColumnValues "currency" in ["AUD", "USD", "EUR", "%"]',
  'RowCount between % and 100000000',
  'Completeness "customer_email" > 0.% labels=["severity"="warn"]',
  '(IsUnique "order_id") and (Mean "amount" between 0.% and 99999)',
  'ColumnValues "status" matches "[a-z]+%" with threshold > 0.9',
  'ColumnLength "order_id" between 1 and 3%',
  'DataFreshness "updated_at" < % days',
  'Sum "amount" > avg(last(7)) - (3 * std(last(%)))',
  'ColumnValues "ordered_on" <= (now() + % days) labels=["severity"="warn"]',
]
export const rulesetOf = (count: number): string => {
  const rules = Array.from({ length: count }, (_, index) =>
    RULES[index % RULES.length]?.replace('%', String(index + 1)),
  )
  return `Rules = [\n${rules.map((rule) => `  ${rule}`).join(',\n')}\n]\n`
}

/** Of sorted values; `share` from 0 to 1. */
const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

const RULES_TO_PARSE = 20_000
const ROUNDS = 7

/** Parsing and linting 20,000 rules against a contract; the median of several rounds, the first of which nobody counts. */
export async function dqdlParse({ note }: BenchContext): Promise<Report> {
  const text = rulesetOf(RULES_TO_PARSE)
  const contract = parseContract(readFileSync('contracts/orders.yaml', 'utf8'), 'contracts/orders.yaml')
  if (!contract.ok) throw new Error('Cannot read contracts/orders.yaml')
  const parses: number[] = []
  const both: number[] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const start = performance.now()
    parseRuleset(text)
    const parsed = performance.now()
    lintRuleset(text, { contract: contract.value })
    if (round > 0) parses.push(parsed - start)
    if (round > 0) both.push(performance.now() - parsed)
  }
  const [parse, whole] = [parses, both].map(
    (millis) =>
      quantile(
        millis.sort((a, b) => a - b),
        0.5,
      ) / 1000,
  )
  const seconds = whole ?? 0
  note(`dqdl-parse: ${Math.round(RULES_TO_PARSE / seconds)} rules a second, parsed and linted`)
  const stages = [{ name: 'parse', seconds: parse ?? 0, share: (parse ?? 0) / seconds }]
  return { measurements: [alone('dqdl-parse', seconds, { rows: RULES_TO_PARSE, stages })], skipped: [] }
}

const RULES_TO_EDIT = 2_000
const TYPED = '  ColumnValues "status" in ["a", "b"] where "amount > 1" with threshold > 0.9,\n'
const URI = `file://${process.cwd()}/dq-rules/bench/orders.dqdl`

/**
 * A rule typed into a file of 2,000 rules, at its beginning, in its middle and near its end, and taken out again: the time
 * from a keystroke to the diagnostics of the text with it, over the protocol. The 95th percentile; the others are stages.
 */
export async function languageServer({ note }: BenchContext): Promise<Report> {
  const client = new LanguageClient()
  try {
    await client.initialize()
    await client.open(URI, rulesetOf(RULES_TO_EDIT))
    await typeRule(client, 2)
    const millis: number[] = []
    for (const line of [2, RULES_TO_EDIT / 2, RULES_TO_EDIT - 2]) millis.push(...(await typeRule(client, line)))
    const sorted = millis.sort((one, other) => one - other)
    const [median, p95, worst] = [0.5, 0.95, 1].map((share) => quantile(sorted, share) / 1000) as [
      number,
      number,
      number,
    ]
    note(
      `language-server: ${sorted.length} keystrokes, half within ${(median * 1000).toFixed(1)} ms, worst ${(worst * 1000).toFixed(1)} ms`,
    )
    const stages = [
      { name: 'median', seconds: median, share: median / p95 },
      { name: 'worst', seconds: worst, share: worst / p95 },
    ]
    return { measurements: [alone('language-server', p95, { rows: RULES_TO_EDIT, stages })], skipped: [] }
  } finally {
    await client.close()
  }
}

async function typeRule(client: LanguageClient, line: number): Promise<readonly number[]> {
  const millis: number[] = []
  const type = async (range: Range, text: string): Promise<void> => {
    const start = performance.now()
    await client.type(URI, range, text)
    millis.push(performance.now() - start)
  }
  for (const [character, text] of [...TYPED].entries()) {
    const place = { line, character }
    await type({ start: place, end: place }, text)
  }
  await type({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } }, '')
  return millis
}
