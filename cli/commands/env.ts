import type { Invocation } from '../invocation.ts'
import { EXIT, type ExitCode } from '../output.ts'
import { requireRuntime, stateDirectoryOf } from '../session.ts'

/** `sluice env`: the AWS variables that lead any client to the running runtime. */
export async function env({ output, state, directory }: Invocation): Promise<ExitCode> {
  const { endpoint, region, accessKeyId, secretAccessKey } = requireRuntime(stateDirectoryOf(state, directory))
  const variables = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    // StartSyncExecution goes to a host of its own on AWS, which there is none of here.
    AWS_DISABLE_HOST_PREFIX_INJECTION: 'true',
  }
  output.result(variables, () =>
    Object.entries(variables)
      .map(([name, value]) => `export ${name}=${value}`)
      .join('\n'),
  )
  return EXIT.done
}
