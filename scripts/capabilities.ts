import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Which rows of docs/capabilities.md a passing test shows: a row is shown by a test whose title names its id.
 * Reads the results that `npm test` left (`--fresh` runs the suite again), and those of the longer suites where they ran.
 */
const CACHE = '.cache'
const RESULTS = join(CACHE, 'test-results.json')

interface JestResults {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** Ids as titles write them: `VAL-14`, and ranges of one area such as `VAL-01–03`. */
export function idsIn(title: string): string[] {
  const ids: string[] = []
  for (const [, area, first, last] of title.matchAll(/\b([A-Z]{2,5})-(\d{2})(?:[–-](\d{2}))?\b/g)) {
    for (let number = Number(first); number <= Number(last ?? first); number += 1)
      ids.push(`${area}-${String(number).padStart(2, '0')}`)
  }
  return ids
}

function runTests(): void {
  mkdirSync(CACHE, { recursive: true })
  // A failing test shows nothing, but the others' results are there.
  spawnSync('npm', ['test', '--silent'], { stdio: ['ignore', 'ignore', 'inherit'] })
}

const rows = readFileSync('docs/capabilities.md', 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id = '', capability = ''] = line.split('|').map((cell) => cell.trim())
    return /^[A-Z]{2,5}-\d{2}$/.test(id) ? [{ id, capability }] : []
  })
if (process.argv.includes('--fresh') || !existsSync(RESULTS)) runTests()
const results = readdirSync(CACHE)
  .filter((name) => /^test-results(?:\.\w+)?\.json$/.test(name))
  .map((name) => JSON.parse(readFileSync(join(CACHE, name), 'utf8')) as JestResults)
const shown = new Map<string, string[]>()
for (const test of results.flatMap(({ testResults }) => testResults).flatMap((suite) => suite.assertionResults)) {
  if (test.status !== 'passed') continue
  for (const id of idsIn(test.fullName)) shown.set(id, [...(shown.get(id) ?? []), test.fullName])
}
const missing = rows.filter(({ id }) => !shown.has(id))
if (process.argv.includes('--json')) {
  process.stdout.write(
    `${JSON.stringify(
      rows.map((row) => ({ ...row, tests: shown.get(row.id) ?? [] })),
      null,
      2,
    )}\n`,
  )
} else {
  for (const { id, capability } of rows.filter((row) => shown.has(row.id))) {
    process.stdout.write(`shown    ${id.padEnd(9)} ${capability}\n           ${shown.get(id)?.[0] ?? ''}\n`)
  }
  for (const { id, capability } of missing) process.stdout.write(`no test  ${id.padEnd(9)} ${capability}\n`)
  process.stdout.write(`\n${rows.length - missing.length} of ${rows.length} rows are shown by a passing test\n`)
}
