import type { Severity } from '../../core/run-documents.ts'
import type { Evaluated } from '../evaluate.ts'
import type { GlueRuleResult } from '../glue-result.ts'

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
/** XML has no form for other control characters, not even an escaped one. */
const escaped = (text: string): string =>
  text
    .replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replace(/[&<>"]/g, (character) => ESCAPES[character] ?? character)
    .replace(/[\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`)

const element = (name: string, attributes: Readonly<Record<string, string | number>>, inner: string): string => {
  const printed = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`)
  return inner === '' ? `<${name}${printed.join('')}/>` : `<${name}${printed.join('')}>${inner}</${name}>`
}

/** A gate rule that fails is a failure, one that cannot be evaluated an error; a rule that only warns is skipped with its message. */
function outcomeOf({ Result, EvaluationMessage = '' }: GlueRuleResult, severity: Severity): string {
  if (Result === 'PASS') return ''
  if (severity === 'warn') return element('skipped', { message: `warning: ${Result} ${EvaluationMessage}` }, '')
  const name = Result === 'FAIL' ? 'failure' : 'error'
  return element(name, { type: Result, message: EvaluationMessage }, '')
}

/** The result as JUnit XML, as CI systems read it: a test case a rule. */
export function printJunit({ result, plan }: Pick<Evaluated, 'result' | 'plan'>, suite: string, at: Date): string {
  const severities = new Map(plan.rules.map(({ name, severity }) => [name, severity]))
  const judged = result.RuleResults.map((rule) => ({ rule, severity: severities.get(rule.Name) ?? 'gate' }))
  const cases = judged.map(({ rule, severity }) => {
    const metrics = Object.entries(rule.EvaluatedMetrics).map(([name, value]) => `${name} = ${value}`)
    const shown = metrics.length === 0 ? '' : `<system-out>${escaped(metrics.join('\n'))}</system-out>`
    const attributes = { name: rule.Description, classname: suite, time: 0 }
    return `  ${element('testcase', attributes, outcomeOf(rule, severity) + shown)}`
  })
  const count = (holds: (each: (typeof judged)[number]) => boolean): number => judged.filter(holds).length
  const skipped = count(({ rule, severity }) => severity === 'warn' && rule.Result !== 'PASS')
  const totals = {
    tests: judged.length,
    failures: count(({ rule, severity }) => severity === 'gate' && rule.Result === 'FAIL'),
    errors: count(({ rule, severity }) => severity === 'gate' && rule.Result === 'ERROR'),
    time: 0,
  }
  const timestamp = at.toISOString().slice(0, 19)
  const whole = element('testsuite', { name: suite, ...totals, skipped, timestamp }, `\n${cases.join('\n')}\n`)
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element('testsuites', { name: 'sluice dq run', ...totals }, `\n${whole}\n`)}\n`
}
