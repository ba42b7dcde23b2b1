import { existsSync, readFileSync } from 'node:fs'
import type { ReplayManifest } from '../replay/manifest.ts'
import { type ManifestProblem, parseManifest } from '../replay/parse-manifest.ts'
import { CommandError, EXIT } from './output.ts'

const problemText = ({ field, message, expected, found }: ManifestProblem): string =>
  `${field}: ${message} (expected ${expected}; found ${found})`

/** Reads a manifest's file. @throws CommandError `file_not_found`, `invalid_manifest` */
export function readManifest(file: string): { text: string; manifest: ReplayManifest } {
  if (!existsSync(file)) throw new CommandError(EXIT.wrongUse, 'file_not_found', `Cannot read "${file}": no such file`)
  const bytes = readFileSync(file)
  const parsed = parseManifest(bytes)
  if (parsed.ok) return { text: bytes.toString('utf8'), manifest: parsed.manifest }
  const [first, ...others] = parsed.problems.map(problemText)
  throw new CommandError(
    EXIT.wrongUse,
    'invalid_manifest',
    [first ?? 'The manifest is not valid', ...others].join('\n  '),
    'Its schema is replay/manifest.v1.schema.json, examples lie in replay/examples/',
    { file },
  )
}
