/** `npm run conformance:asl -- DIR [--json]`: runs every case file of DIR on the executor and compares it with the recording. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../core/errors.ts'
import { parseCase } from '../local/states/conformance/case.ts'
import { type CaseResult, runCase } from '../local/states/conformance/run-case.ts'

const USAGE = 'Usage: npm run conformance:asl -- DIR [--json]'

async function runFile(path: string): Promise<CaseResult> {
  try {
    return await runCase(parseCase(await readFile(path, 'utf8')))
  } catch (thrown) {
    const actual = { status: 'NOT_RUN', output: undefined, error: undefined, cause: undefined, events: [] }
    const id = path.replace(/^.*\//, '').replace(/\.json$/, '')
    return { id, pass: false, differences: [messageOf(thrown)], actual }
  }
}

function printResult({ id, pass, differences }: CaseResult): string {
  return pass ? `ok   ${id}\n` : `FAIL ${id}\n${differences.map((difference) => `       ${difference}\n`).join('')}`
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
  const [folder] = positionals
  if (folder === undefined || positionals.length > 1) {
    process.stderr.write(`${USAGE}\n`)
    return 2
  }
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort()
  const results = await Promise.all(files.map((name) => runFile(join(folder, name))))
  for (const result of results)
    process.stdout.write(values.json === true ? `${JSON.stringify(result)}\n` : printResult(result))
  const failed = results.filter(({ pass }) => !pass).length
  process.stderr.write(`${results.length - failed} of ${results.length} cases pass\n`)
  return failed === 0 ? 0 : 1
}

process.exitCode = await main().catch((thrown: unknown) => {
  process.stderr.write(`${messageOf(thrown)}\n${USAGE}\n`)
  return 2
})
