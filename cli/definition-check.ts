import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseDefinition } from '../asl/definition.ts'
import { lintDefinition } from '../asl/lint.ts'
import { messageOf } from '../core/errors.ts'
import type { FileProblem } from '../core/yaml-document.ts'
import { compileMachine } from '../local/states/compile.ts'
import { createQueryParser } from '../local/states/query.ts'

/** Expressions are parsed, never evaluated, here. */
const parseQuery = createQueryParser({ now: () => new Date(0), random: () => 0, uuid: () => '' })

const definitionFiles = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.asl.json'))
        .sort()
        .map((name) => join(folder, name))
    : []

function problemsOf(file: string, text: string): FileProblem[] {
  try {
    const lint = lintDefinition(parseDefinition(text, file)).map(
      ({ state, code }): FileProblem => ({
        code,
        message: `State "${state}": ${code.replaceAll('_', ' ')}`,
        where: { file, path: `/States/${state}` },
      }),
    )
    const { diagnostics } = compileMachine(JSON.parse(text), parseQuery)
    const errors = diagnostics.list.filter(({ severity }) => severity === 'ERROR')
    return [
      ...lint,
      ...errors.map(
        ({ code, message, location }): FileProblem => ({
          code: code.toLowerCase(),
          message,
          where: { file, path: location },
        }),
      ),
    ]
  } catch (thrown) {
    return [{ code: 'invalid_definition', message: messageOf(thrown), where: { file, line: 1, column: 1 } }]
  }
}

/** Every state machine definition of a folder: valid ASL, JSONata that parses, our own rules (timeouts, catches, bounded maps). */
export function definitionProblems(
  folder: string,
  read: (file: string) => string,
): { files: string[]; problems: FileProblem[] } {
  const files = definitionFiles(folder)
  return { files, problems: files.flatMap((file) => problemsOf(file, read(file))) }
}
