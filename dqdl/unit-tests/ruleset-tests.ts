import { parseColumnType } from '../../core/column-type.ts'
import { messageOf } from '../../core/errors.ts'
import type { Parsed } from '../../core/parse-contract.ts'
import schema from '../../core/schemas/ruleset-tests.v1.schema.json' with { type: 'json' }
import { checkAgainstSchema, type FileProblem, readYaml, type YamlDocument } from '../../core/yaml-document.ts'

/** A row as a test states it: values by column. */
export type TestRow = Readonly<Record<string, unknown>>

/** The form of `{dataset}.tests.yaml`, after the schema accepted it. */
interface TestsFile {
  readonly ruleset?: string
  readonly contract?: string
  readonly columns?: Readonly<Record<string, string>>
  readonly now?: string
  readonly row?: TestRow
  readonly references?: Readonly<
    Record<string, { readonly columns: Readonly<Record<string, string>>; readonly rows: readonly TestRow[] }>
  >
  readonly tests: readonly {
    readonly name: string
    readonly rows: readonly TestRow[]
    readonly repeat?: number
    readonly without?: readonly string[]
    readonly history?: readonly Readonly<Record<string, number>>[]
    readonly fails?: readonly string[]
    readonly errors?: readonly string[]
    readonly others?: 'pass' | 'any'
  }[]
}

/** One test: a small table, and the rules that must not pass on it. */
export interface RulesetTest {
  readonly name: string
  readonly rows: readonly TestRow[]
  readonly repeat: number
  /** Columns that the table lacks. */
  readonly without: readonly string[]
  /** Metrics of earlier runs by name, newest run first. */
  readonly history: readonly Readonly<Record<string, number>>[]
  readonly fails: readonly string[]
  readonly errors: readonly string[]
  /** What rules do that neither `fails` nor `errors` names. */
  readonly others: 'pass' | 'any'
}

/** A parsed `{dataset}.tests.yaml`. */
export interface RulesetTests {
  readonly file: string
  /** From the file's folder; `null`: the ruleset beside it that is named like it. */
  readonly ruleset: string | null
  /** From the file's folder; `null` when `columns` says what the data has. */
  readonly contract: string | null
  /** Types of the project's type language by column; `null` with a contract. */
  readonly columns: Readonly<Record<string, string>> | null
  /** The instant that `now()` means, or `null` when the file gives none. */
  readonly now: Date | null
  /** Values of a sound row. */
  readonly row: TestRow
  readonly references: NonNullable<TestsFile['references']>
  readonly tests: readonly RulesetTest[]
  readonly place: YamlDocument['place']
}

/** Reads `{dataset}.tests.yaml`: either the tests or everything that is wrong with the file's form. */
export function parseRulesetTests(text: string, file: string): Parsed<RulesetTests> {
  const document = readYaml(text, file)
  if (document.problems.length > 0) return { ok: false, problems: document.problems }
  const problems = checkAgainstSchema(document, schema)
  if (problems.length > 0) return { ok: false, problems }
  const parsed = document.value as TestsFile
  const wrong = [
    ...typeProblems(parsed, document),
    ...sourceProblems(parsed, document),
    ...nowProblems(parsed, document),
  ]
  return wrong.length > 0 ? { ok: false, problems: wrong } : { ok: true, value: build(parsed, file, document) }
}

const build = (parsed: TestsFile, file: string, { place }: YamlDocument): RulesetTests => ({
  file,
  ruleset: parsed.ruleset ?? null,
  contract: parsed.contract ?? null,
  columns: parsed.columns ?? null,
  now: parsed.now === undefined ? null : new Date(parsed.now),
  row: parsed.row ?? {},
  references: parsed.references ?? {},
  tests: parsed.tests.map((each) => ({
    name: each.name,
    rows: each.rows,
    repeat: each.repeat ?? 1,
    without: each.without ?? [],
    history: each.history ?? [],
    fails: each.fails ?? [],
    errors: each.errors ?? [],
    others: each.others ?? 'pass',
  })),
  place,
})

function typeProblems({ columns, references }: TestsFile, document: YamlDocument): FileProblem[] {
  const groups: [readonly string[], Readonly<Record<string, string>>][] = [
    [['columns'], columns ?? {}],
    ...Object.entries(references ?? {}).map(
      ([alias, reference]): [readonly string[], Readonly<Record<string, string>>] => [
        ['references', alias, 'columns'],
        reference.columns,
      ],
    ),
  ]
  return groups.flatMap(([path, types]) =>
    Object.entries(types).flatMap(([name, type]): FileProblem[] => {
      try {
        parseColumnType(type)
        return []
      } catch (thrown) {
        return [
          { code: 'invalid_type', message: messageOf(thrown), where: document.place([...path, name]), found: type },
        ]
      }
    }),
  )
}

function sourceProblems({ contract, columns }: TestsFile, document: YamlDocument): FileProblem[] {
  if ((contract === undefined) !== (columns === undefined)) return []
  const message =
    contract === undefined
      ? 'The tests name neither a contract nor columns: the rows need types'
      : 'The tests name a contract and columns: one of them gives the types'
  return [{ code: 'columns_of_tests', message, where: document.place([]), expected: 'contract or columns' }]
}

const nowProblems = ({ now }: TestsFile, document: YamlDocument): FileProblem[] =>
  now === undefined || !Number.isNaN(new Date(now).getTime())
    ? []
    : [{ code: 'impossible_date', message: `"${now}" is no instant`, where: document.place(['now']), found: now }]
