import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { documentOf, sluice } from './command.ts'

let scratch: string
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
})
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const write = (name: string, text: string): string => {
  const file = join(scratch, name)
  writeFileSync(file, text)
  return file
}

describe('the command line', () => {
  test.each([
    { args: ['--help'], name: 'sluice' },
    { args: ['tenant', '--help'], name: 'sluice tenant' },
    { args: ['dq', '--help'], name: 'sluice dq' },
    { args: ['help', 'up'], name: 'sluice up' },
  ])('$args prints help with an example and ends with 0', async ({ args, name }) => {
    const { exitCode, stdout } = await sluice(args)
    expect(exitCode).toBe(0)
    expect(stdout).toContain(`Usage: ${name} `)
    expect(stdout).toMatch(/Example:\n {2}sluice /)
  })

  test.each([
    { args: ['ingst', '--json'], hint: 'Did you mean ingest?' },
    { args: ['ingest', 'x', '--tenent', 'a', '--json'], hint: 'Did you mean --tenant?' },
    { args: ['dq', '--json'], hint: 'List them with: sluice --help' },
  ])('$args is wrong use, told as one JSON document with the way on', async ({ args, hint }) => {
    const ended = await sluice(args)
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { message: expect.stringMatching(/^[^\n]+$/), hint } })
  })

  test('--json and --state are taken before a command as after it', async () => {
    const ended = await sluice(['--json', '--state', join(scratch, 'none'), 'jobs'])
    expect(ended.exitCode).toBe(3)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'runtime_not_running' } })
  })

  test('SQL that begins with a comment is no option', async () => {
    const ended = await sluice(['query', '-- all\nselect 1', '--state', join(scratch, 'none'), '--json'])
    expect(documentOf(ended)).toMatchObject({ error: { code: 'runtime_not_running' } })
  })

  test.each([
    { args: ['up', '--port', ''], code: 'invalid_port' },
    { args: ['jobs', '--limit', '1e3'], code: 'invalid_limit' },
    { args: ['reset', '--yes', '--state', 'package.json'], code: 'not_a_state_folder' },
    { args: ['ingest', 'missing.csv', '--tenant', 'acme', '--dataset', 'orders'], code: 'file_not_found' },
  ])('$args ends with 2 and $code', async ({ args, code }) => {
    const ended = await sluice([...args, '--json'])
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code } })
  })

  test('up names a port that is taken, ends, and leaves files that only their owner can read', async () => {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const ended = await sluice(['up', '--json', '--port', String(port), '--state', join(scratch, 'taken')])
    server.close()
    expect(ended.exitCode).toBe(3)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'port_in_use' } })
    const files = readdirSync(join(scratch, 'taken')).map((name) => join(scratch, 'taken', name))
    expect(files.filter((file) => (statSync(file).mode & 0o077) !== 0)).toEqual([])
    expect(files).toContain(join(scratch, 'taken', 'warehouse.duckdb'))
  })
})

describe('dq on the command line', () => {
  test('data that is not what its name says is an invalid input file', async () => {
    const rules = write('rows.dqdl', 'Rules = [ RowCount > 0 ]')
    const data = write('broken.parquet', 'no Parquet')
    const ended = await sluice(['dq', 'run', '--rules', rules, '--data', data, '--json'])
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'unreadable_data', where: data } })
  })

  test('an invalid ruleset is told with its place', async () => {
    const rules = write('invalid.dqdl', 'Rules = [ RowCont > 0 ]')
    const data = write('rows.csv', 'a\n1\n')
    const ended = await sluice(['dq', 'run', '--rules', rules, '--data', data, '--json'])
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'ruleset_invalid', where: `${rules}:1:11` } })
  })
})

describe('check on the command line', () => {
  const project = (name: string): string => {
    const folder = join(scratch, name)
    for (const part of ['contracts', 'dq-rules', 'asl']) cpSync(part, join(folder, part), { recursive: true })
    return folder
  }
  const replace = (file: string, from: string, to: string): void =>
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to))

  test('a broken contract is told once, not again by each file that names its dataset', async () => {
    const folder = project('broken')
    replace(join(folder, 'contracts/orders.yaml'), 'type: double', 'type: dubble')
    const ended = await sluice(['check', '--json'], folder)
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toEqual([
      expect.objectContaining({ file: 'contracts/orders.yaml', line: 20, path: '/columns/8/type' }),
    ])
  })

  test('a mapping of a dataset without a contract is told with file, line and path', async () => {
    const folder = project('missing')
    rmSync(join(folder, 'contracts/flights.yaml'))
    const ended = await sluice(['check', '--json'], folder)
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toEqual([
      expect.objectContaining({
        file: 'contracts/mappings/skywatch.flights.yaml',
        line: expect.any(Number),
        path: '/dataset',
      }),
      expect.objectContaining({ file: 'dq-rules/flights.dqdl', line: 1 }),
    ])
  })

  test('a folder without contracts is no valid project', async () => {
    const ended = await sluice(['check', '--json'], scratch)
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'contracts_missing' } })
  })
})

describe('contract diff', () => {
  const orders = readFileSync('contracts/orders.yaml', 'utf8')

  test('says what a change means and what the warehouse needs, and ends with 1', async () => {
    const [older, newer] = [
      write('older.yaml', orders),
      write('newer.yaml', orders.replace('string(400)', 'string(500)')),
    ]
    const ended = await sluice(['contract', 'diff', older, newer, '--json'])
    expect(ended.exitCode).toBe(1)
    expect(ended.stderr).toContain('raise "version"')
    expect(documentOf(ended)).toMatchObject({
      dataset: 'orders',
      class: 'additive',
      versions: { was: 1, now: 1, raised: false },
      changes: [{ class: 'additive', path: 'columns.note.type', was: 'string(400)', now: 'string(500)' }],
      statements: { deployment: ['ALTER TABLE "mart"."orders" ALTER COLUMN "note" TYPE VARCHAR(2000)'], operator: [] },
    })
  })

  test('of the same contract ends with 0, of two datasets with 2', async () => {
    const older = write('same.yaml', orders)
    expect((await sluice(['contract', 'diff', older, older])).exitCode).toBe(0)
    const ended = await sluice(['contract', 'diff', older, 'contracts/flights.yaml', '--json'])
    expect(ended.exitCode).toBe(2)
    expect(documentOf(ended)).toMatchObject({ error: { code: 'other_dataset' } })
  })
})
