import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from '@jest/globals'
import { parseDefinition } from '../../asl/definition.ts'
import { lintDefinition } from '../../asl/lint.ts'
import { isJsonObject } from '../../core/json.ts'
import { definitionOf } from '../asl/repository-definitions.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'sluice-ci-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ci = readFileSync('.ci/run', 'utf8')
const steps = ci.split('\n').filter((line) => line.startsWith('npm '))
const manifest: unknown = JSON.parse(readFileSync('package.json', 'utf8'))
const script = (name: string): readonly string[] => {
  const scripts = isJsonObject(manifest) && isJsonObject(manifest.scripts) ? manifest.scripts : {}
  return String(scripts[name]).split(' && ')
}

describe('what must hold before a change lands', () => {
  test('each step of the run stops it when it fails', () => {
    expect(ci).toContain('\nset -euo pipefail\n')
    expect(ci).not.toMatch(/\|\| true|set \+e/)
  })

  test('TEST-22: lint is a step, and a file that breaks a rule fails it', async () => {
    expect(steps).toContain('npm run check')
    expect(script('check')).toContain('biome check .')
    const file = join(folder, 'broken.ts')
    writeFileSync(file, 'export const value: any = 1\n')
    await expect(
      run('node_modules/.bin/biome', ['check', '--config-path', process.cwd(), '--vcs-enabled=false', file]),
    ).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('noExplicitAny') })
  })

  test('TEST-23: unit tests of the mapping logic are a step with a floor of coverage', () => {
    expect(steps).toContain('npm run coverage')
    expect(script('coverage').join('')).toContain('--config jest.coverage.mjs')
    const coverage = readFileSync('jest.coverage.mjs', 'utf8')
    for (const measured of ['core/parse-mapping.ts', 'glue/build-intermediate.ts', 'glue/sql/*.ts'])
      expect(coverage).toContain(`'${measured}'`)
    expect(coverage).toMatch(
      /coverageThreshold: \{ global: \{ lines: 9[5-9], functions: 9[5-9], branches: 8[0-9] \} \}/,
    )
  })

  test('TEST-24: contracts, mappings, rulesets and their unit tests are checked in a step of their own', async () => {
    for (const command of ['check', 'dq fmt --check dq-rules/*.dqdl', 'dq test'])
      expect(ci.split('\n')).toContain(`npx sluice ${command}`)
    writeFileSync(join(folder, 'orders.dqdl'), 'Rules = [ IsComplete "no_such_column" ]\n')
    const environment = { ...process.env, SLUICE_RULES: folder, NODE_OPTIONS: '' }
    await expect(run(process.execPath, ['cli/bin/sluice.mjs', 'check'], { env: environment })).rejects.toMatchObject({
      code: 2,
      stdout: expect.stringContaining('unknown_column'),
    })
  })

  test('TEST-25: the template’s security is checked at synth, and a bucket that nothing protects is refused', async () => {
    expect(readFileSync('infra/build-app.ts', 'utf8')).toContain('addPlugins(new AwsSolutionsChecks(app')
    await expect(
      run(process.execPath, ['--import', 'tsx', 'test/infra/insecure-app.ts', join(folder, 'out')]),
    ).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('AwsSolutions-S10') })
  }, 60_000)

  test('TEST-26: functions are bundled and the template is synthesized before anything is tested', () => {
    expect(steps).toContain('npm test')
    expect(script('test').slice(0, 2)).toEqual(['npm run --silent build', 'npm run --silent synth'])
  })

  test('TEST-27: definitions are linted, and one whose task nobody catches is refused', () => {
    const { text } = definitionOf('ingest/v1')
    const lint = (definition: string) => lintDefinition(parseDefinition(definition, 'v1.asl.json'))
    expect(lint(text)).toEqual([])
    const broken = JSON.parse(text)
    delete broken.States.Transform.Catch
    expect(JSON.stringify(lint(JSON.stringify(broken)))).toContain('Transform')
    expect(ci).toContain('npm run conformance:asl')
  })

  test('TEST-28: migrations run on a PostgreSQL server', () => {
    expect(steps).toContain('npm run test:postgres')
    expect(readFileSync('scripts/test-postgres.mjs', 'utf8')).toContain('test/lambdas/metadata')
  })
})
