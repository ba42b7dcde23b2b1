import type { Invocation } from '../invocation.ts'
import { EXIT, type ExitCode } from '../output.ts'
import { awsVariablesOf, requireRuntime, stateDirectoryOf } from '../session.ts'

/** `sluice env`: the AWS variables that lead any client to the running runtime. */
export async function env({ output, state, directory }: Invocation): Promise<ExitCode> {
  const variables = awsVariablesOf(requireRuntime(stateDirectoryOf(state, directory)))
  output.result(variables, () =>
    Object.entries(variables)
      .map(([name, value]) => `export ${name}=${value}`)
      .join('\n'),
  )
  return EXIT.done
}
