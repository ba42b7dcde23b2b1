import { SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import type { RuleResult as Outcome } from '../core/run-documents.ts'

/** The members of Glue's GetDataQualityResult that an evaluation gives. NaN and infinities are texts, as in AWS's JSON. */
export interface GlueRuleResult {
  readonly Name: string
  readonly Description: string
  readonly EvaluationMessage?: string
  readonly Result: Outcome
  readonly EvaluatedMetrics: Readonly<Record<string, number | string>>
  readonly EvaluatedRule?: string
  readonly Labels: Readonly<Record<string, string>>
}
export interface GlueAnalyzerResult {
  readonly Name: string
  readonly Description: string
  readonly EvaluationMessage?: string
  readonly EvaluatedMetrics: Readonly<Record<string, number | string>>
}
export interface GlueResult {
  readonly Score: number
  readonly RuleResults: readonly GlueRuleResult[]
  readonly AnalyzerResults: readonly GlueAnalyzerResult[]
}

const refuse = (what: string): never => {
  throw new SluiceError('invalid_quality_result', `Cannot read quality result: ${what}`)
}
const textOf = (value: unknown, name: string): string =>
  typeof value === 'string' ? value : refuse(`${name} is no text`)
const listOf = (value: unknown, name: string): readonly unknown[] =>
  Array.isArray(value) ? value : refuse(`${name} is no list`)

function metricsOf(value: unknown): Readonly<Record<string, number | string>> {
  if (!isJsonObject(value)) return refuse('EvaluatedMetrics is no object')
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, metric]) =>
      typeof metric === 'number' || typeof metric === 'string' ? [[name, metric] as const] : [],
    ),
  )
}
const labelsOf = (value: unknown): Readonly<Record<string, string>> =>
  isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([key, label]) => [key, textOf(label, key)])) : {}

const optional = <K extends string>(key: K, value: unknown): { readonly [key in K]?: string } =>
  (typeof value === 'string' ? { [key]: value } : {}) as { readonly [key in K]?: string }

function outcomeOf(value: unknown): Outcome {
  if (value === 'PASS' || value === 'FAIL' || value === 'ERROR') return value
  return refuse(`Result is ${JSON.stringify(value)}`)
}

function ruleOf(value: unknown): GlueRuleResult {
  if (!isJsonObject(value)) return refuse('a rule result is no object')
  return {
    Name: textOf(value.Name, 'Name'),
    Description: textOf(value.Description, 'Description'),
    ...optional('EvaluationMessage', value.EvaluationMessage),
    Result: outcomeOf(value.Result),
    EvaluatedMetrics: metricsOf(value.EvaluatedMetrics ?? {}),
    ...optional('EvaluatedRule', value.EvaluatedRule),
    Labels: labelsOf(value.Labels),
  }
}
function analyzerOf(value: unknown): GlueAnalyzerResult {
  if (!isJsonObject(value)) return refuse('an analyzer result is no object')
  return {
    Name: textOf(value.Name, 'Name'),
    Description: textOf(value.Description, 'Description'),
    ...optional('EvaluationMessage', value.EvaluationMessage),
    EvaluatedMetrics: metricsOf(value.EvaluatedMetrics ?? {}),
  }
}

/** Reads `result.json`. @throws SluiceError `invalid_quality_result` */
export function parseGlueResult(text: string): GlueResult {
  const value: unknown = JSON.parse(text)
  if (!isJsonObject(value)) return refuse('it is no object')
  return {
    Score: typeof value.Score === 'number' ? value.Score : refuse('Score is no number'),
    RuleResults: listOf(value.RuleResults, 'RuleResults').map(ruleOf),
    AnalyzerResults: listOf(value.AnalyzerResults ?? [], 'AnalyzerResults').map(analyzerOf),
  }
}
