import { type Digest, digestOfJson } from '../core/digest.ts'

/** `asl/releases.json`: the digest of each released definition by its name, e.g. `ingest/v1`. */
export type Releases = Readonly<Record<string, string>>

/** A definition's text by the name it is released under. */
export interface DefinitionText {
  readonly name: string
  readonly text: string
}

/** White space and key order do not matter; every value does, comments included. */
export const releaseDigest = (text: string): Digest => digestOfJson(JSON.parse(text))

/** Names of released definitions that were edited or are gone, and of definitions that were never released. */
export function compareReleases(
  releases: Releases,
  definitions: readonly DefinitionText[],
): { readonly edited: readonly string[]; readonly missing: readonly string[]; readonly unreleased: readonly string[] } {
  const names = definitions.map(({ name }) => name)
  return {
    edited: definitions
      .filter(({ name, text }) => releases[name] !== undefined && releases[name] !== releaseDigest(text))
      .map(({ name }) => name),
    missing: Object.keys(releases).filter((name) => !names.includes(name)),
    unreleased: names.filter((name) => releases[name] === undefined),
  }
}
