import { readFileSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { compareReleases, type Releases, releaseDigest } from '../../asl/releases.ts'
import { DEFINITIONS } from './repository-definitions.ts'

const TEXT = '{"StartAt": "A", "States": {}}'
const released = { 'a/v1': releaseDigest(TEXT) }

describe('compareReleases', () => {
  test('DEP-02: accepts a released definition that was only reformatted', () =>
    expect(compareReleases(released, [{ name: 'a/v1', text: '{\n"States":{},"StartAt":"A"}' }])).toEqual({
      edited: [],
      missing: [],
      unreleased: [],
    }))

  test('DEP-02: names an edited definition, one that is gone and one that is new', () => {
    const edited = { name: 'a/v1', text: '{"StartAt": "B", "States": {}}' }
    expect(compareReleases(released, [edited])).toMatchObject({ edited: ['a/v1'] })
    expect(compareReleases(released, [])).toMatchObject({ missing: ['a/v1'] })
    expect(compareReleases(released, [{ name: 'a/v2', text: TEXT }])).toMatchObject({ unreleased: ['a/v2'] })
  })
})

describe('asl/releases.json', () => {
  const releases: Releases = JSON.parse(readFileSync(new URL('../../asl/releases.json', import.meta.url), 'utf8'))
  test('DEP-02: holds the digest of every definition, and none was edited after its release', () =>
    expect(compareReleases(releases, DEFINITIONS)).toEqual({ edited: [], missing: [], unreleased: [] }))
})
