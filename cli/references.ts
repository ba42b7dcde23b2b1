import { CommandError, EXIT } from './output.ts'
import { requireFile } from './upload.ts'

/** Files by alias, of `--reference ALIAS=FILE` options. @throws CommandError `invalid_reference`, `file_not_found` */
export function referencesOf(pairs: readonly string[]): Record<string, string> {
  const references: Record<string, string> = {}
  for (const pair of pairs) {
    const [, alias, file] = /^([^=]+)=(.+)$/s.exec(pair) ?? []
    if (alias === undefined || file === undefined) {
      throw new CommandError(
        EXIT.wrongUse,
        'invalid_reference',
        `Cannot use "${pair}" as --reference: expected ALIAS=FILE`,
      )
    }
    requireFile(file)
    references[alias] = file
  }
  return references
}
