import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseDocument } from 'yaml'
import { CommandError, EXIT } from '../output.ts'

/** Whose the rows of smoke files are: no customer's. */
export const SMOKE_TENANT = 'smoke'

/** A small file whose every row must load. */
export interface SmokeFile {
  readonly dataset: string
  readonly name: string
  readonly path: string
  /** The mapping it is read by, as a mapping of {@link SMOKE_TENANT}. */
  readonly mapping: string
}

const invalid = (message: string, hint: string): CommandError =>
  new CommandError(EXIT.wrongUse, 'invalid_smoke_file', message, hint)

/** A tenant's mapping file as the smoke tenant's. */
export function mappingForSmoke(text: string): string {
  const document = parseDocument(text)
  document.set('tenant', SMOKE_TENANT)
  return document.toString()
}

const NAME = /^([a-z][a-z0-9-]{1,23})\.([a-z][a-z0-9-]{1,23})\.[a-z0-9.]+$/

/**
 * The files `{tenant}.{dataset}.{suffix}` of a folder, each with the mapping of that tenant.
 * @throws CommandError `invalid_smoke_file`, `no_smoke_files`
 */
export function readSmokeFiles(folder: string, contracts: string): readonly SmokeFile[] {
  const names = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => !name.endsWith('.md'))
        .sort()
    : []
  if (names.length === 0)
    throw new CommandError(
      EXIT.wrongUse,
      'no_smoke_files',
      `There is no smoke file in "${folder}"`,
      'Name a folder of files {tenant}.{dataset}.{suffix} with --files',
    )
  const files = names.map((name): SmokeFile => {
    const [, tenant = '', dataset = ''] = NAME.exec(name) ?? []
    if (dataset === '') throw invalid(`Cannot use "${name}"`, 'Smoke files are named {tenant}.{dataset}.{suffix}')
    const mapping = join(contracts, 'mappings', `${tenant}.${dataset}.yaml`)
    if (!existsSync(mapping)) throw invalid(`"${name}" has no mapping to be read by`, `Expected "${mapping}"`)
    return { dataset, name, path: join(folder, name), mapping: mappingForSmoke(readFileSync(mapping, 'utf8')) }
  })
  const twice = files.find(({ dataset }, index) => files.findIndex((file) => file.dataset === dataset) !== index)
  if (twice !== undefined)
    throw invalid(`Dataset "${twice.dataset}" has two smoke files`, 'The smoke tenant has one mapping a dataset')
  return files
}
