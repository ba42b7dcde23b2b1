import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isJsonObject } from '../core/json.ts'
import { CommandError, EXIT } from './output.ts'

/** How to reach a runtime or AWS: the settings that every SDK client of the command is made with. */
export interface Connection {
  readonly region: string
  /** `undefined` for AWS itself. */
  readonly endpoint: string | undefined
  /** `undefined`: the SDK's usual chain. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
}

/** `runtime.json` of a state folder, written by `sluice up`, mode 600. */
export interface RuntimeFile {
  readonly endpoint: string
  readonly region: string
  readonly pid: number
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** What the runtime can do: names of operations by service. */
  readonly operations: Readonly<Record<string, readonly string[]>>
}

/** The variables that lead any AWS client to a running runtime. */
export const awsVariablesOf = ({
  endpoint,
  region,
  accessKeyId,
  secretAccessKey,
}: Pick<RuntimeFile, 'endpoint' | 'region' | 'accessKeyId' | 'secretAccessKey'>) => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_DEFAULT_REGION: region,
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  // StartSyncExecution goes to a host of its own on AWS, which there is none of here.
  AWS_DISABLE_HOST_PREFIX_INJECTION: 'true',
})

export const stateDirectoryOf = (state: string | null, directory: string): string =>
  resolve(directory, state ?? '.sluice')

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'EPERM'
  }
}

function parseRuntimeFile(text: string, file: string): RuntimeFile {
  const value: unknown = JSON.parse(text)
  if (isJsonObject(value)) {
    const { endpoint, region, pid, accessKeyId, secretAccessKey } = value
    if (
      typeof endpoint === 'string' &&
      typeof region === 'string' &&
      typeof pid === 'number' &&
      typeof accessKeyId === 'string' &&
      typeof secretAccessKey === 'string'
    ) {
      return { endpoint, region, pid, accessKeyId, secretAccessKey, operations: operationsIn(value.operations) }
    }
  }
  throw new CommandError(
    EXIT.impossible,
    'invalid_state',
    `Cannot read "${file}": it is not what sluice up writes`,
    'Run: sluice reset',
  )
}

/** None where an older runtime wrote the file. */
const operationsIn = (value: unknown): RuntimeFile['operations'] =>
  Object.fromEntries(
    Object.entries(isJsonObject(value) ? value : {}).map(([service, names]) => [
      service,
      Array.isArray(names) ? names.map(String) : [],
    ]),
  )

/** The runtime that runs on a state folder, or `null`. */
export function findRuntime(stateDirectory: string): RuntimeFile | null {
  const file = join(stateDirectory, 'runtime.json')
  if (!existsSync(file)) return null
  const runtime = parseRuntimeFile(readFileSync(file, 'utf8'), file)
  return isAlive(runtime.pid) ? runtime : null
}

/** @throws CommandError `runtime_not_running` */
export function requireRuntime(stateDirectory: string): RuntimeFile {
  const runtime = findRuntime(stateDirectory)
  if (runtime !== null) return runtime
  throw new CommandError(
    EXIT.impossible,
    'runtime_not_running',
    `No runtime is running on state folder "${stateDirectory}"`,
    'Start one with: sluice up',
  )
}

const AWS_VARIABLES = [
  'AWS_ENDPOINT_URL',
  'AWS_ACCESS_KEY_ID',
  'AWS_PROFILE',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
]

/**
 * The usual AWS variables decide; without any, and whenever `--state` is given, the runtime of the state folder.
 * @throws CommandError `runtime_not_running`
 */
export function connectionOf(state: string | null, directory: string, environment: NodeJS.ProcessEnv): Connection {
  if (state === null && AWS_VARIABLES.some((name) => (environment[name] ?? '') !== '')) {
    return {
      region: environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? 'us-east-2',
      endpoint: environment.AWS_ENDPOINT_URL,
      credentials: undefined,
    }
  }
  const { endpoint, region, accessKeyId, secretAccessKey } = requireRuntime(stateDirectoryOf(state, directory))
  return { endpoint, region, credentials: { accessKeyId, secretAccessKey } }
}
