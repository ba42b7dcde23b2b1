import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Definition, parseDefinition } from '../../asl/definition.ts'

export interface DefinitionFile {
  /** `ingest/v1` */
  readonly name: string
  readonly file: string
  readonly text: string
  readonly definition: Definition
}

const folder = new URL('../../asl/', import.meta.url).pathname

/** Every definition of the repository. */
export const DEFINITIONS: readonly DefinitionFile[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(join(folder, name)).map((version) => join(name, version)))
  .filter((path) => path.endsWith('.asl.json'))
  .map((path) => {
    const text = readFileSync(join(folder, path), 'utf8')
    const file = `asl/${path}`
    return { name: path.slice(0, -'.asl.json'.length), file, text, definition: parseDefinition(text, file) }
  })

export function definitionOf(name: string): DefinitionFile {
  const found = DEFINITIONS.find((definition) => definition.name === name)
  if (found === undefined) throw new RangeError(`There is no definition ${name}`)
  return found
}
