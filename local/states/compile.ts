import { isJsonObject, type Json } from '../../core/json.ts'
import { compileDistribution } from './compile-distribution.ts'
import { FieldReader, type QueryReader, unsupportedField } from './compile-fields.ts'
import { checkTransitions } from './compile-transitions.ts'
import { Diagnostics } from './diagnostics.ts'
import { checkExpress } from './express-check.ts'
import type { Catcher, ChoiceRule, Machine, Retrier, Scope, State } from './machine.ts'
import { checkQuery } from './query-check.ts'
import { parseResource, unknownResource } from './resource.ts'

/** A compiled machine, or the findings for which AWS would refuse it. */
export type Compilation =
  | { readonly machine: Machine; readonly diagnostics: Diagnostics }
  | { readonly machine: null; readonly diagnostics: Diagnostics }

const SUPPORTED: Readonly<Record<string, readonly string[]>> = {
  Pass: ['Output', 'Assign', 'Next', 'End'],
  Succeed: ['Output'],
  Fail: ['Error', 'Cause'],
  Wait: ['Output', 'Assign', 'Next', 'End', 'Seconds', 'Timestamp'],
  Choice: ['Output', 'Assign', 'Choices', 'Default'],
  Task: [
    'Output',
    'Assign',
    'Next',
    'End',
    'Arguments',
    'Retry',
    'Catch',
    'Resource',
    'TimeoutSeconds',
    'HeartbeatSeconds',
    'Credentials',
  ],
  Parallel: ['Output', 'Assign', 'Next', 'End', 'Arguments', 'Retry', 'Catch', 'Branches'],
  Map: [
    'Output',
    'Assign',
    'Next',
    'End',
    'Retry',
    'Catch',
    'Items',
    'ItemSelector',
    'ItemProcessor',
    'Iterator',
    'MaxConcurrency',
    'Label',
    'ItemReader',
    'ItemBatcher',
    'ResultWriter',
    'ToleratedFailureCount',
    'ToleratedFailurePercentage',
  ],
}
const CHOICE_RULE = ['Condition', 'Next', 'Output', 'Assign', 'Comment']
const CATCHER = ['ErrorEquals', 'Next', 'Output', 'Assign', 'Comment']
const RETRIER = [
  'ErrorEquals',
  'IntervalSeconds',
  'MaxAttempts',
  'BackoffRate',
  'MaxDelaySeconds',
  'JitterStrategy',
  'Comment',
]

/** Longest timeout. */
const MAX_SECONDS = 99_999_999

const COMMON = ['Type', 'Comment', 'QueryLanguage']

/**
 * Compiles a definition. Only JSONata machines run here. `parse` turns expression texts into queries; `check` says what is
 * wrong with a text before it runs.
 */
export function compileMachine(
  definition: unknown,
  parse: QueryReader['parse'],
  check: QueryReader['check'] = checkQuery,
): Compilation {
  const diagnostics = new Diagnostics()
  if (!isJsonObject(definition)) {
    diagnostics.schema('Definition must be an object', '/')
    return { machine: null, diagnostics }
  }
  checkLanguage(definition, diagnostics)
  if (diagnostics.failed) return { machine: null, diagnostics }
  const compiler = new Compiler(diagnostics, { parse, check })
  const root = compiler.scope(definition, '', [])
  const fields = new FieldReader(definition, '', diagnostics, { parse, check })
  const timeoutSeconds = fields.number('TimeoutSeconds', 1, MAX_SECONDS)
  if ((fields.text('Version') ?? '1.0') !== '1.0') fields.fault("Version must be '1.0'", 'Version')
  if (root === null || diagnostics.failed) return { machine: null, diagnostics }
  return { machine: { timeoutSeconds, root }, diagnostics }
}

/** JSONata for the whole machine, or said by each state of it. */
function checkLanguage(definition: Record<string, unknown>, diagnostics: Diagnostics): void {
  const language = definition.QueryLanguage
  if (language === 'JSONata') return
  const states = statesWithin(definition)
  if (states.length > 0 && states.every(({ QueryLanguage }) => QueryLanguage === 'JSONata')) return
  const found = language === undefined ? 'JSONPath, the default' : JSON.stringify(language)
  diagnostics.schema(
    `Only JSONata definitions run on this runtime: set "QueryLanguage" to "JSONata", which is now ${found}`,
    '/QueryLanguage',
  )
}

/** The states of a definition, with those of its branches and processors. */
function statesWithin(scope: unknown): readonly Record<string, unknown>[] {
  if (!isJsonObject(scope) || !isJsonObject(scope.States)) return []
  return Object.values(scope.States)
    .filter(isJsonObject)
    .flatMap((state) => [
      state,
      ...arrayOf(state.Branches).flatMap(statesWithin),
      ...statesWithin(state.ItemProcessor ?? state.Iterator),
    ])
}

class Compiler {
  readonly #diagnostics: Diagnostics
  readonly #queries: QueryReader
  readonly #names = new Set<string>()
  readonly #labels = new Set<string>()

  constructor(diagnostics: Diagnostics, queries: QueryReader) {
    this.#diagnostics = diagnostics
    this.#queries = queries
  }

  /** `outer`: names of variables that enclosing scopes assign. */
  scope(definition: Record<string, unknown>, path: string, outer: readonly string[]): Scope | null {
    const missing = ['States', 'StartAt'].filter((field) => definition[field] === undefined)
    if (missing.length > 0) {
      this.#diagnostics.schema(`These fields are required: [${missing.join(', ')}]`, path === '' ? '/' : path)
      return null
    }
    const { StartAt: startAt, States: states } = definition
    if (path !== '' && definition.QueryLanguage !== undefined)
      this.#diagnostics.schema(unsupportedField('QueryLanguage'), path)
    if (typeof startAt !== 'string' || !isJsonObject(states) || Object.keys(states).length === 0) {
      this.#diagnostics.schema('StartAt must be a string and States an object with at least one state', path || '/')
      return null
    }
    if (states[startAt] === undefined)
      this.#diagnostics.error('MISSING_TRANSITION_TARGET', `Missing 'StartAt' target: ${startAt}`, `${path}/StartAt`)
    return { startAt, states: this.#states(states, startAt, path, outer) }
  }

  #states(states: Record<string, unknown>, startAt: string, path: string, outer: readonly string[]) {
    for (const name of assignedNames(Object.values(states)))
      if (outer.includes(name))
        this.#diagnostics.schema(`Variable '${name}' is already assigned in an outer scope`, `${path}/States`)
    const compiled = new Map<string, State>()
    for (const [name, value] of Object.entries(states)) {
      const at = `${path}/States/${name}`
      // What the enclosing state itself assigns, when it leaves, does not clash with its branches.
      const others = Object.entries(states).flatMap(([other, sibling]) => (other === name ? [] : [sibling]))
      const state = this.#state(name, value, at, [...outer, ...assignedNames(others)])
      if (state !== null) compiled.set(name, state)
    }
    checkTransitions(states, startAt, path, this.#diagnostics)
    return compiled
  }

  #state(name: string, value: unknown, path: string, variables: readonly string[]): State | null {
    if (!isJsonObject(value)) {
      this.#diagnostics.schema('A state must be an object', path)
      return null
    }
    if (name.length === 0 || [...name].length > 80)
      this.#diagnostics.schema('State names have 1 to 80 characters', path)
    if (this.#names.has(name)) this.#diagnostics.error('DUPLICATE_STATE_NAME', `Duplicate state name: ${name}`, path)
    this.#names.add(name)
    const type = value.Type
    if (typeof type !== 'string' || SUPPORTED[type] === undefined) {
      this.#diagnostics.schema(`Invalid state type: ${JSON.stringify(type)}`, path)
      return null
    }
    this.#checkFields(value, type, path)
    return this.#typedState(name, type, new FieldReader(value, path, this.#diagnostics, this.#queries), variables)
  }

  #checkFields(state: Record<string, unknown>, type: string, path: string): void {
    if (state.QueryLanguage === 'JSONPath')
      this.#diagnostics.schema(
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
        path,
      )
    for (const field of Object.keys(state)) {
      if (COMMON.includes(field) || SUPPORTED[type]?.includes(field)) continue
      this.#diagnostics.schema(unsupportedField(field), path)
    }
    const ends = ['Choice', 'Succeed', 'Fail'].includes(type)
    if (!ends && state.Next === undefined && state.End !== true)
      this.#diagnostics.error('MISSING_END_STATE', "One of 'Next' or 'End' is required", path)
    if (state.Next !== undefined && state.End === true)
      this.#diagnostics.schema("'Next' and 'End' can not be used together", path)
  }

  #typedState(name: string, type: string, fields: FieldReader, variables: readonly string[]): State | null {
    switch (type) {
      case 'Pass':
        return { type, name, ...fields.following([]) }
      case 'Succeed':
        return { type, name, output: fields.template('Output', []) }
      case 'Fail':
        return { type, name, error: fields.template('Error', []), cause: fields.template('Cause', []) }
      case 'Wait':
        return this.#wait(name, fields)
      case 'Choice':
        return { type, name, ...fields.leaving([]), choices: this.#choices(fields), default: fields.text('Default') }
      case 'Task':
        return this.#task(name, fields)
      case 'Parallel':
        return this.#parallel(name, fields, variables)
      default:
        return this.#map(name, fields, variables)
    }
  }

  #wait(name: string, fields: FieldReader): State {
    const [seconds, timestamp] = [fields.template('Seconds', []), fields.template('Timestamp', [])]
    if ((seconds === null) === (timestamp === null))
      this.#diagnostics.schema("Exactly one of 'Seconds' and 'Timestamp' is required", fields.path)
    if (seconds?.kind === 'constant' && !isSeconds(seconds.value))
      this.#diagnostics.schema('Seconds must be an integer between 0 and 99999999', `${fields.path}/Seconds`)
    if (timestamp?.kind === 'constant' && !isRfc3339(timestamp.value))
      this.#diagnostics.schema('String does not match RFC3339 timestamp', `${fields.path}/Timestamp`)
    return { type: 'Wait', name, ...fields.following([]), seconds, timestamp }
  }

  #choices(fields: FieldReader): readonly ChoiceRule[] {
    const rules = fields.objects('Choices')
    if (rules.length === 0) this.#diagnostics.schema("'Choices' must hold at least one rule", fields.path)
    return rules.flatMap((rule) => {
      rule.only(CHOICE_RULE)
      const condition = rule.template('Condition', [])
      if (condition?.kind === 'constant' && typeof condition.value !== 'boolean')
        rule.fault('Expected a boolean or an expression', 'Condition')
      const next = rule.text('Next')
      if (condition === null) this.#diagnostics.schema("The field 'Condition' is required but was missing", rule.path)
      if (next === null) this.#diagnostics.schema("The field 'Next' is required but was missing", rule.path)
      return condition === null || next === null ? [] : [{ condition, next, ...rule.leaving([]) }]
    })
  }

  #task(name: string, fields: FieldReader): State | null {
    const arn = fields.text('Resource')
    const resource = arn === null ? null : parseResource(arn)
    if (arn === null) this.#diagnostics.schema("The field 'Resource' is required but was missing", fields.path)
    else if (resource === null) this.#diagnostics.schema(unknownResource(arn), `${fields.path}/Resource`)
    const credentials = fields.object('Credentials')
    const roleArn = credentials?.template('RoleArn', []) ?? null
    if (credentials !== null && roleArn === null)
      this.#diagnostics.schema("The field 'RoleArn' is required but was missing", credentials.path)
    if (resource === null) return null
    const { TimeoutSeconds: timeout, HeartbeatSeconds: heartbeat } = fields.source
    if (typeof timeout === 'number' && typeof heartbeat === 'number' && heartbeat >= timeout)
      fields.fault('HeartbeatSeconds must be smaller than TimeoutSeconds', 'HeartbeatSeconds')
    return {
      type: 'Task',
      name,
      ...this.#guarded(fields),
      resource,
      arguments: fields.template('Arguments', []),
      timeoutSeconds: fields.integerTemplate('TimeoutSeconds', 0, MAX_SECONDS),
      heartbeatSeconds: fields.integerTemplate('HeartbeatSeconds', 0, MAX_SECONDS),
      credentialsRoleArn: roleArn,
    }
  }

  #parallel(name: string, fields: FieldReader, variables: readonly string[]): State {
    const branches = fields.objects('Branches').flatMap((branch) => {
      const scope = this.scope(branch.source, branch.path, variables)
      return scope === null ? [] : [scope]
    })
    if (branches.length === 0) this.#diagnostics.schema("'Branches' must hold at least one branch", fields.path)
    return { type: 'Parallel', name, ...this.#guarded(fields), arguments: fields.template('Arguments', []), branches }
  }

  #map(name: string, fields: FieldReader, variables: readonly string[]): State | null {
    const processorFields = fields.object('ItemProcessor') ?? fields.object('Iterator')
    if (processorFields === null) {
      this.#diagnostics.schema("The field 'ItemProcessor' is required but was missing", fields.path)
      return null
    }
    const distributed = compileDistribution(fields, processorFields)
    this.#checkLabel(distributed?.label ?? null, fields.path)
    if (distributed?.executionType === 'EXPRESS')
      checkExpress(processorFields.source as Json, this.#diagnostics, processorFields.path)
    const items = fields.template('Items', [])
    if (items?.kind === 'constant' && !Array.isArray(items.value) && !isJsonObject(items.value))
      fields.fault('Expected an array or an expression', 'Items')
    const processor = this.scope(processorFields.source, processorFields.path, distributed === null ? variables : [])
    if (processor === null) return null
    return {
      type: 'Map',
      name,
      ...this.#guarded(fields),
      items,
      itemSelector: fields.template('ItemSelector', []),
      maxConcurrency: fields.integerTemplate('MaxConcurrency', 0, Number.MAX_SAFE_INTEGER),
      processor,
      distributed,
    }
  }

  #checkLabel(label: string | null, path: string): void {
    if (label === null) return
    if (this.#labels.has(label)) this.#diagnostics.schema(`Duplicate label: ${label}`, `${path}/Label`)
    this.#labels.add(label)
  }

  #guarded(fields: FieldReader) {
    return {
      ...fields.following(['result']),
      retry: fields.objects('Retry').map((retrier) => compileRetrier(retrier)),
      catch: fields.objects('Catch').map((catcher) => this.#catcher(catcher)),
    }
  }

  #catcher(fields: FieldReader): Catcher {
    fields.only(CATCHER)
    const next = fields.text('Next')
    if (next === null) this.#diagnostics.schema("The field 'Next' is required but was missing", fields.path)
    return { errorEquals: errorNames(fields), next: next ?? '', ...fields.leaving(['errorOutput']) }
  }
}

function compileRetrier(fields: FieldReader): Retrier {
  fields.only(RETRIER)
  const jitter = fields.text('JitterStrategy')
  if (jitter !== null && jitter !== 'NONE' && jitter !== 'FULL')
    fields.fault('JitterStrategy must be one of NONE, FULL', 'JitterStrategy')
  return {
    errorEquals: errorNames(fields),
    intervalSeconds: fields.number('IntervalSeconds', 1, 99_999_999) ?? 1,
    maxAttempts: fields.number('MaxAttempts', 0, 99_999_999) ?? 3,
    backoffRate: fields.number('BackoffRate', 1, Number.MAX_VALUE, false) ?? 2,
    maxDelaySeconds: fields.number('MaxDelaySeconds', 1, 31_622_400),
    fullJitter: jitter === 'FULL',
  }
}

/** `States.ALL` stands alone and last; the position is checked here by list, the place by the fields' siblings. */
function errorNames(fields: FieldReader): readonly string[] {
  const names = fields.texts('ErrorEquals')
  if (names.length === 0) fields.fault("'ErrorEquals' must hold at least one error name", 'ErrorEquals')
  if (names.includes('States.ALL') && (names.length > 1 || !fields.isLast))
    fields.fault("'States.ALL' must appear alone and in the last retrier or catcher", 'ErrorEquals')
  return names
}

const isSeconds = (value: Json): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 99_999_999

const isRfc3339 = (value: Json): boolean =>
  typeof value === 'string' && /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.test(value)

/** Names that states assign themselves, not in their branches. */
function assignedNames(states: readonly unknown[]): readonly string[] {
  const names = new Set<string>()
  for (const state of states) {
    if (!isJsonObject(state)) continue
    const leaving = [state, ...arrayOf(state.Catch), ...arrayOf(state.Choices)]
    for (const { Assign: assign } of leaving)
      if (isJsonObject(assign)) for (const name of Object.keys(assign)) names.add(name)
  }
  return [...names]
}

const arrayOf = (value: unknown): readonly Record<string, unknown>[] =>
  Array.isArray(value) ? value.filter(isJsonObject) : []
