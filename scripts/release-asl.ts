/**
 * Freezes definitions: writes the digest of every definition that has none into asl/releases.json. A released definition
 * never changes; `--before-first-release` rewrites all digests, for as long as nothing was ever deployed from here.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compareReleases, type DefinitionText, type Releases, releaseDigest } from '../asl/releases.ts'
import { isJsonObject } from '../core/json.ts'

const folder = join(dirname(dirname(fileURLToPath(import.meta.url))), 'asl')
const file = join(folder, 'releases.json')

const definitions: DefinitionText[] = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(join(folder, name)).map((version) => ({ name, version })))
  .filter(({ version }) => version.endsWith('.asl.json'))
  .map(({ name, version }) => ({
    name: `${name}/${version.slice(0, -'.asl.json'.length)}`,
    text: readFileSync(join(folder, name, version), 'utf8'),
  }))

function readReleases(): Releases {
  if (!existsSync(file) || process.argv.includes('--before-first-release')) return {}
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!isJsonObject(value)) throw new TypeError('asl/releases.json is no object')
  return Object.fromEntries(Object.entries(value).map(([name, digest]) => [name, String(digest)]))
}

const releases = readReleases()
const { edited, missing, unreleased } = compareReleases(releases, definitions)
if (edited.length + missing.length > 0) {
  console.error(`Cannot release as these were released and must stay: ${[...edited, ...missing].join(', ')}`)
  console.error('Write the change as a new version file')
  process.exit(1)
}
const added = definitions.filter(({ name }) => unreleased.includes(name))
const all = { ...releases, ...Object.fromEntries(added.map(({ name, text }) => [name, releaseDigest(text)])) }
const sorted = Object.fromEntries(Object.entries(all).sort(([one], [other]) => (one < other ? -1 : 1)))
writeFileSync(file, `${JSON.stringify(sorted, null, 2)}\n`)
console.error(added.length === 0 ? 'Nothing to release' : `Released ${unreleased.join(', ')}`)
