import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ROOT, SYNTHESIS_TIMEOUT_MILLIS, type SynthesizedApp, synthesizedApp } from './synthesize.ts'

let app: SynthesizedApp

beforeAll(async () => {
  app = await synthesizedApp()
}, SYNTHESIS_TIMEOUT_MILLIS)
afterAll(() => app?.remove())

/** Folder of the archive that the ingest machine names to every run. */
function archiveFolder(): string {
  const machine = app
    .of('AWS::StepFunctions::StateMachine')
    .find(({ properties }) => properties.StateMachineName === 'ingest')
  const [, hash] = /([0-9a-f]{64})\.zip/.exec(JSON.stringify(machine?.properties.DefinitionSubstitutions)) ?? []
  return join(app.folder, `asset.${hash}`)
}

const pythonOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.py'))
    .sort()

describe('code archive of the Glue jobs', () => {
  test('holds every Python module of glue/, its packages included', () => {
    expect(pythonOf(archiveFolder())).toEqual(pythonOf(join(ROOT, 'glue')))
  })

  test('holds the entry that each job names', () => {
    const entries = app
      .of('AWS::Glue::Job')
      .map(({ properties }) => /"--entry":"(\w+)"/.exec(JSON.stringify(properties.DefaultArguments))?.[1])
    expect(entries).toHaveLength(3)
    for (const entry of entries) expect(existsSync(join(archiveFolder(), `${entry}.py`))).toBe(true)
  })

  test('holds no TypeScript: its hash changes with what runs, and with nothing else', () => {
    const others = readdirSync(archiveFolder(), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.ts'),
    )
    expect(others).toEqual([])
    expect(readFileSync(join(archiveFolder(), 'bootstrap.py'), 'utf8')).toContain('--code_uri')
  })
})
