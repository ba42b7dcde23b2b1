import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseDefinition } from '../asl/definition.ts'
import { lintDefinition } from '../asl/lint.ts'
import { messageOf } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { FileProblem } from '../core/yaml-document.ts'
import { compileMachine } from '../local/states/compile.ts'
import { createQueryParser } from '../local/states/query.ts'
import { sdkFaults } from '../local/states/sdk-check.ts'

/** Expressions are parsed, never evaluated, here. */
const parseQuery = createQueryParser({ now: () => new Date(0), random: () => 0, uuid: () => '' })

const definitionFiles = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.asl.json'))
        .sort()
        .map((name) => join(folder, name))
    : []

async function problemsOf(file: string, text: string): Promise<FileProblem[]> {
  try {
    const lint = lintDefinition(parseDefinition(text, file)).map(
      ({ state, code }): FileProblem => ({
        code,
        message: `State "${state}": ${code.replaceAll('_', ' ')}`,
        where: { file, path: `/States/${state}` },
      }),
    )
    const json = JSON.parse(text) as Json
    const { diagnostics } = compileMachine(json, parseQuery)
    const found = [...diagnostics.list, ...(await sdkFaults(json))]
    const errors = found.filter(({ severity }) => severity === 'ERROR')
    return [
      ...lint,
      ...errors.map(
        ({ code, message, location }): FileProblem => ({
          code: code.toLowerCase(),
          message,
          where: { file, path: location ?? '/' },
        }),
      ),
    ]
  } catch (thrown) {
    return [{ code: 'invalid_definition', message: messageOf(thrown), where: { file, line: 1, column: 1 } }]
  }
}

/** Every state machine definition of a folder: valid ASL, JSONata that parses, SDK calls that there are, our own rules (timeouts, catches, bounded maps). */
export async function definitionProblems(
  folder: string,
  read: (file: string) => string,
): Promise<{ files: string[]; problems: FileProblem[] }> {
  const files = definitionFiles(folder)
  const problems = await Promise.all(files.map((file) => problemsOf(file, read(file))))
  return { files, problems: problems.flat() }
}
