import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { messageOf, SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import { parseRuleset } from '../dqdl/parse.ts'

const USAGE = 'npm run conformance:dqdl -- FILE [--json]'

/** `valid` is what the reference parser says of the ruleset; cases without it run too. */
interface Case {
  readonly id: string
  readonly ruleset: string
  readonly valid: boolean | null
}
interface Outcome {
  readonly id: string
  readonly valid: boolean
  readonly errors: readonly { readonly line: number; readonly column: number; readonly message: string }[]
}

function parseCase(value: unknown, index: number): Case {
  if (!isJsonObject(value) || typeof value.ruleset !== 'string')
    throw new SluiceError('invalid_case', `Cannot read case ${index + 1}: expected {id, ruleset, valid}`)
  const { id, ruleset, valid } = value
  return {
    id: typeof id === 'string' || typeof id === 'number' ? String(id) : String(index + 1),
    ruleset,
    valid: typeof valid === 'boolean' ? valid : null,
  }
}

function readCases(file: string): readonly Case[] {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!Array.isArray(content)) throw new SluiceError('invalid_cases', `Cannot use ${file}: expected a JSON list`)
  return content.map(parseCase)
}

function run({ id, ruleset }: Case): Outcome {
  const { problems } = parseRuleset(ruleset)
  const errors = problems.map(({ at, message }) => ({ line: at.line, column: at.column, message }))
  return { id, valid: errors.length === 0, errors }
}

function print({ id, valid, errors }: Outcome, agrees: boolean): string {
  const [first] = errors
  const reason = first === undefined ? '' : ` ${first.line}:${first.column} ${first.message}`
  return `${agrees ? 'ok  ' : 'FAIL'} ${id}: ${valid ? 'accepted' : 'refused'}${reason}`
}

function main(): void {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
  const [file] = positionals
  if (file === undefined) throw new SluiceError('invalid_arguments', `Cannot run: expected ${USAGE}`)
  let failures = 0
  const cases = readCases(file)
  for (const each of cases) {
    const outcome = run(each)
    const agrees = each.valid === null || each.valid === outcome.valid
    if (!agrees) failures += 1
    process.stdout.write(`${values.json === true ? JSON.stringify(outcome) : print(outcome, agrees)}\n`)
  }
  process.stderr.write(`${cases.length - failures} of ${cases.length} cases agree\n`)
  process.exitCode = failures === 0 ? 0 : 1
}

try {
  main()
} catch (thrown) {
  process.stderr.write(`${messageOf(thrown)}\n`)
  process.exitCode = 2
}
