import type { QualityAnalyzer, QualityRule } from './quality-plan.ts'
import { literal } from './sql.ts'

/** Glue's limit for Description, EvaluationMessage and EvaluatedRule, in characters. */
const MAX_TEXT = 2048
/** Rules that did not pass in the verdict. */
const MAX_NOT_PASSED = 20
/** Room for bucket and key in a verdict of at most 4,096 bytes. */
const MAX_VERDICT_BYTES = 3_840
/** Texts of the verdict are cut to the longest of these with which it fits. */
const CUTS = [120, 100, 80, 60, 50, 40, 30, 20, 10, 0]

/** The rules as a relation `rules`, with the verdicts; one that has none is ERROR. */
function joined(rules: readonly QualityRule[]): string {
  const rows = rules.map(
    ({ index, name, text, severity, labels }) =>
      `(${index}, ${literal(name)}, ${literal(text)}, ${literal(severity)}, ${literal(JSON.stringify(labels))})`,
  )
  const listed =
    rows.length === 0
      ? 'SELECT NULL::INTEGER, NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR, NULL::VARCHAR WHERE false'
      : `VALUES ${rows.join(', ')}`
  return `rules(rule_index, name, description, severity, labels) AS (${listed}), judged AS (SELECT r.*, coalesce(v.result, 'ERROR') AS result, coalesce(v.metrics, '{}') AS metrics, CASE WHEN v.result IS NULL THEN 'The rule was not evaluated.' ELSE v.message END AS message, v.evaluated_rule FROM rules r LEFT JOIN sluice_verdicts v USING (rule_index))`
}
const SCORE = `coalesce(count(*) FILTER (WHERE result = 'PASS') / nullif(count(*), 0), 1.0)::DOUBLE`

/** Metrics of the analyzers, a sub-select of one JSON list. */
function analyzerResults(analyzers: readonly QualityAnalyzer[]): string {
  if (analyzers.length === 0) return `'[]'::JSON`
  const rows = analyzers.map(({ index, name, text }) => `(${index}, ${literal(name)}, ${literal(text)})`)
  const members = `'Name', name, 'Description', left(description, ${MAX_TEXT}), 'EvaluationMessage', left(message, ${MAX_TEXT}), 'EvaluatedMetrics', coalesce(metrics, '{}')::JSON`
  return `(SELECT to_json(list(json_merge_patch('{}'::JSON, json_object(${members})) ORDER BY a.rule_index)) FROM (VALUES ${rows.join(', ')}) AS a(rule_index, name, description) LEFT JOIN sluice_verdicts USING (rule_index))`
}

/** `result.json`: the shape of Glue's GetDataQualityResult, rules in the order of the ruleset; absent members are left out. */
export function resultDocument(rules: readonly QualityRule[], analyzers: readonly QualityAnalyzer[]): string {
  const member = (name: string, value: string): string => `${literal(name)}, ${value}`
  const members = [
    member('Name', 'name'),
    member('Description', `left(description, ${MAX_TEXT})`),
    member(
      'EvaluationMessage',
      `CASE WHEN result <> 'PASS' OR evaluated_rule IS NOT NULL THEN left(message, ${MAX_TEXT}) END`,
    ),
    member('Result', 'result'),
    member('EvaluatedMetrics', 'metrics::JSON'),
    member('EvaluatedRule', `left(evaluated_rule, ${MAX_TEXT})`),
    member('Labels', 'labels::JSON'),
  ]
  const rule = `json_merge_patch('{}'::JSON, json_object(${members.join(', ')}))`
  return `WITH ${joined(rules)} SELECT CAST(json_object('Score', ${SCORE}, 'RuleResults', coalesce(to_json(list(${rule} ORDER BY rule_index)), '[]'::JSON), 'AnalyzerResults', ${analyzerResults(analyzers)}) AS VARCHAR) FROM judged`
}

/** `verdict.json`; texts are cut so that it stays under 4 KB whatever failed. */
export function verdictDocument(rules: readonly QualityRule[]): string {
  const gate = `CASE WHEN count(*) FILTER (WHERE severity = 'gate' AND result = 'FAIL') > 0 THEN 'FAIL' WHEN count(*) FILTER (WHERE severity = 'gate' AND result = 'ERROR') > 0 THEN 'ERROR' ELSE 'PASS' END`
  const counts = [
    `'passed', count(*) FILTER (WHERE result = 'PASS')`,
    `'failed', count(*) FILTER (WHERE severity = 'gate' AND result = 'FAIL')`,
    `'errors', count(*) FILTER (WHERE severity = 'gate' AND result = 'ERROR')`,
    `'warnings', count(*) FILTER (WHERE severity = 'warn' AND result <> 'PASS')`,
  ]
  const cutText = (column: string): string =>
    `CASE WHEN length(${column}) > width THEN left(${column}, greatest(width - 1, 0)) || '…' ELSE ${column} END`
  const row = `json_object('name', name, 'rule', ${cutText('description')}, 'result', result, 'severity', severity, 'message', ${cutText('message')})`
  // Gate rules first: they are why a load stopped.
  const first = `SELECT * FROM judged WHERE result <> 'PASS' ORDER BY severity, rule_index LIMIT ${MAX_NOT_PASSED}`
  const lists = `SELECT width, coalesce(to_json(list(${row} ORDER BY severity, rule_index) FILTER (WHERE name IS NOT NULL)), '[]'::JSON) AS not_passed FROM (VALUES ${CUTS.map((cut) => `(${cut})`).join(', ')}) AS cuts(width) LEFT JOIN first_rules ON true GROUP BY width`
  const document = `json_object('gate', gate, 'score', score, 'rules', counts, 'notPassed', not_passed, 'result', json_object('bucket', '{resultBucket}', 'key', '{resultKey}'))::VARCHAR`
  return `WITH ${joined(rules)}, totals AS (SELECT ${gate} AS gate, ${SCORE} AS score, json_object(${counts.join(', ')}) AS counts FROM judged), first_rules AS (${first}), lists AS (${lists}), documents AS (SELECT width, ${document} AS document FROM totals, lists) SELECT document FROM documents WHERE strlen(document) <= ${MAX_VERDICT_BYTES} OR width = 0 ORDER BY width DESC LIMIT 1`
}
