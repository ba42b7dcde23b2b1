import { type Definition, type Retrier, type State, statesOf } from './definition.ts'

/** What this project asks of a definition beyond its being valid. */
export interface DefinitionProblem {
  readonly state: string
  readonly code:
    | 'missing_comment'
    | 'missing_timeout'
    | 'missing_catch'
    | 'unbounded_map'
    | 'unbounded_retry'
    | 'retry_of_everything'
    | 'unknown_function'
  readonly message: string
}

/** Control flow is the definition's own: three kinds of functions, and nothing else is one. */
const FUNCTIONS = [`\${ValidateFunctionArn}`, `\${QuarantineFunctionArn}`, `\${MetadataFunctionArn}`]

const isBounded = (retrier: Retrier): boolean =>
  typeof retrier.intervalSeconds === 'number' &&
  typeof retrier.backoffRate === 'number' &&
  typeof retrier.maxAttempts === 'number' &&
  typeof retrier.maxDelaySeconds === 'number' &&
  retrier.jitterStrategy === 'FULL'

const catchesAll = ({ catch: catchers }: State): boolean => catchers.at(-1)?.errorEquals.includes('States.ALL') === true

/** A Map fails with its items: not where each of their failures is caught inside and none ends in a Fail state. */
function canFail({ type, inner }: State): boolean {
  if (type !== 'Map') return type === 'Task'
  return inner
    .flatMap(({ states }) => states)
    .some((state) => state.type === 'Fail' || (canFail(state) && !catchesAll(state)))
}

function functionOf({ raw }: State): string | null {
  const resource = typeof raw.Resource === 'string' ? raw.Resource : ''
  if (resource.startsWith('arn:aws:lambda:')) return resource
  if (!resource.startsWith('arn:aws:states:::lambda:') && !resource.startsWith('arn:aws:states:::aws-sdk:lambda:'))
    return null
  const { Arguments: given } = raw
  const name = typeof given === 'object' && given !== null && 'FunctionName' in given ? given.FunctionName : ''
  return typeof name === 'string' ? name : ''
}

function* problemsOf(state: State): Generator<Omit<DefinitionProblem, 'state'>> {
  const { type, raw } = state
  if (state.comment === null) yield { code: 'missing_comment', message: 'A state says why it exists' }
  if (type === 'Task' && raw.TimeoutSeconds === undefined)
    yield { code: 'missing_timeout', message: 'A Task has TimeoutSeconds' }
  if (canFail(state) && !catchesAll(state))
    yield { code: 'missing_catch', message: 'A Task, or a Map with an item that can fail, catches States.ALL, last' }
  if (type === 'Map' && typeof raw.MaxConcurrency !== 'number' && typeof raw.MaxConcurrency !== 'string')
    yield { code: 'unbounded_map', message: 'A Map has MaxConcurrency, a number or an expression' }
  if (!state.retry.every(isBounded))
    yield {
      code: 'unbounded_retry',
      message: 'A retrier has interval, backoff, attempts, largest delay and full jitter',
    }
  if (state.retry.some(({ errorEquals }) => errorEquals.includes('States.ALL')))
    yield { code: 'retry_of_everything', message: 'A retrier names what can pass on a second try' }
  const called = functionOf(state)
  if (called !== null && !FUNCTIONS.includes(called))
    yield { code: 'unknown_function', message: `Only ${FUNCTIONS.join(', ')} are functions, not ${called}` }
}

/** Every problem of every state, nested ones included. */
export const lintDefinition = (definition: Definition): readonly DefinitionProblem[] =>
  statesOf(definition).flatMap((state) => [...problemsOf(state)].map((problem) => ({ state: state.name, ...problem })))
