import { CreateStateMachineCommand, DescribeStateMachineCommand, type SFNClient } from '@aws-sdk/client-sfn'
import { type JsonObject, objectOf } from './json.ts'

/** How a copy of a machine differs from it. */
export interface Clone {
  readonly name: string
  /** Name of its role. */
  readonly role: string
  /** States before each of which an execution waits until the test lets it go on. */
  readonly pauseBefore: readonly string[]
  /** Texts of the definition that are written otherwise; each must occur. */
  readonly replace: readonly (readonly [string, string])[]
  readonly timeoutSeconds: number | null
}

const scopesOf = (scope: JsonObject): JsonObject[] => [
  scope,
  ...Object.values(objectOf(scope.States)).flatMap((state) => {
    const { ItemProcessor } = objectOf(state)
    return ItemProcessor === undefined ? [] : scopesOf(objectOf(ItemProcessor))
  }),
]

const statesOf = (scope: JsonObject): [string, JsonObject][] =>
  Object.entries(objectOf(scope.States)).map(([name, state]) => [name, objectOf(state)])

const waysOf = (state: JsonObject): JsonObject[] =>
  [state.Choices, state.Catch].flatMap((ways) => (Array.isArray(ways) ? ways.map(objectOf) : []))

/** Every way to the state leads to a task before it, which ends when its token comes back. */
function pauseBefore(definition: JsonObject, name: string, queueUrl: string): void {
  const scope = scopesOf(definition).find((candidate) => Object.hasOwn(objectOf(candidate.States), name))
  if (scope === undefined) throw new Error(`no state ${name} to wait before`)
  const pause = `Before ${name}`
  if (scope.StartAt === name) scope.StartAt = pause
  for (const [, state] of statesOf(scope))
    for (const way of [state, ...waysOf(state)])
      for (const member of ['Next', 'Default']) if (way[member] === name) way[member] = pause
  objectOf(scope.States)[pause] = {
    Type: 'Task',
    Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
    Arguments: {
      QueueUrl: queueUrl,
      MessageBody: {
        executionArn: '{% $states.context.Execution.Id %}',
        token: '{% $states.context.Task.Token %}',
      },
    },
    Output: '{% $states.input %}',
    Next: name,
  }
}

const THROTTLED = 'Lambda.TooManyRequestsException'

/** One more try at once for what is revoked, as it stays revoked; a throttled function is tried again as ever. */
function hurried(retrier: JsonObject): JsonObject[] {
  const errors = Array.isArray(retrier.ErrorEquals) ? retrier.ErrorEquals.map(String) : []
  const once = { IntervalSeconds: 1, MaxAttempts: Math.min(Number(retrier.MaxAttempts), 1), MaxDelaySeconds: 2 }
  const others = errors.filter((error) => error !== THROTTLED)
  return [
    ...(errors.includes(THROTTLED) ? [{ ...retrier, ErrorEquals: [THROTTLED] }] : []),
    ...(others.length > 0 ? [{ ...retrier, ...once, ErrorEquals: others }] : []),
  ]
}

function hurry(definition: JsonObject): void {
  for (const scope of scopesOf(definition))
    for (const [, state] of statesOf(scope))
      if (Array.isArray(state.Retry)) state.Retry = state.Retry.map(objectOf).flatMap(hurried)
}

/** Creates a Standard machine with the machine's definition, changed as the clone says. Answers its ARN. */
export async function createClone(
  states: SFNClient,
  stateMachineArn: string,
  { name, role, pauseBefore: pauses, replace, timeoutSeconds }: Clone,
  queueUrl: string,
): Promise<string> {
  const { definition: text = '', roleArn = '' } = await states.send(
    new DescribeStateMachineCommand({ stateMachineArn }),
  )
  const changed = replace.reduce((whole, [from, to]) => {
    if (!whole.includes(from)) throw new Error(`the definition does not say ${from}`)
    return whole.replaceAll(from, to)
  }, text)
  const definition = objectOf(JSON.parse(changed))
  for (const state of pauses) pauseBefore(definition, state, queueUrl)
  hurry(definition)
  if (timeoutSeconds !== null) definition.TimeoutSeconds = timeoutSeconds
  const created = await states.send(
    new CreateStateMachineCommand({
      name,
      type: 'STANDARD',
      roleArn: `${roleArn.slice(0, roleArn.lastIndexOf('/') + 1)}${role}`,
      definition: JSON.stringify(definition),
    }),
  )
  return created.stateMachineArn ?? ''
}
