import { GetFunctionConfigurationCommand, InvokeCommand, type LambdaClient } from '@aws-sdk/client-lambda'
import { isJsonObject } from '../core/json.ts'
import { CommandError, EXIT } from './output.ts'
import type { Connection } from './session.ts'

/** The settings every SDK client of the command is made with. */
export const clientSettings = ({ region, endpoint, credentials }: Connection) => ({
  region,
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(credentials === undefined ? {} : { credentials }),
  maxAttempts: 3,
})

export async function lambdaClient(connection: Connection): Promise<LambdaClient> {
  const { LambdaClient: Client } = await import('@aws-sdk/client-lambda')
  return new Client(clientSettings(connection))
}

/** The bucket of a zone, from the environment of the deployed validate function: the template is the one place that names it. */
export async function bucketOf(
  lambda: LambdaClient,
  zone: 'RAW' | 'CURATED' | 'QUARANTINE' | 'DQ_RESULTS' | 'REPLAY' | 'WORK',
): Promise<string> {
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: 'validate' }))
  const bucket = Environment?.Variables?.[`${zone}_BUCKET`]
  if (bucket !== undefined) return bucket
  throw new CommandError(
    EXIT.impossible,
    'not_deployed',
    `Function validate has no variable ${zone}_BUCKET`,
    'Deploy Sluice first, see docs/deploy.md',
  )
}

/** How long a command waits for the metadata function, whose concurrency jobs may use up. */
const BUSY_ROUNDS = 60
const BUSY_WAIT_MILLIS = 1000

const isBusy = (thrown: unknown): boolean => thrown instanceof Error && thrown.name === 'TooManyRequestsException'

async function invoke(lambda: LambdaClient, request: Readonly<Record<string, unknown>>) {
  const command = new InvokeCommand({ FunctionName: 'metadata', Payload: Buffer.from(JSON.stringify(request)) })
  for (let round = 1; ; round += 1) {
    try {
      return await lambda.send(command)
    } catch (thrown) {
      if (!isBusy(thrown) || round === BUSY_ROUNDS) throw thrown
      await new Promise((done) => setTimeout(done, BUSY_WAIT_MILLIS))
    }
  }
}

/** Calls an operation of the metadata function and answers what it returned, unparsed. Waits a minute for one that is busy. */
export async function invokeMetadata(
  lambda: LambdaClient,
  request: Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { Payload, FunctionError } = await invoke(lambda, request)
  const text = Payload === undefined ? 'null' : Buffer.from(Payload).toString('utf8')
  const answer: unknown = JSON.parse(text)
  if (FunctionError === undefined) return answer
  const { errorType, errorMessage } = isJsonObject(answer) ? answer : { errorType: FunctionError, errorMessage: text }
  const code = String(errorType)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
  throw new CommandError(
    code.startsWith('invalid') || code.startsWith('unknown') ? EXIT.wrongUse : EXIT.impossible,
    code,
    String(errorMessage),
  )
}
