import { arrowTypeOf, maxBytesOf, parseColumnType, printPhysicalType } from '../../core/column-type.ts'
import type { Parsed } from '../../core/parse-contract.ts'
import { type FileProblem, nearestOf } from '../../core/yaml-document.ts'
import { leavesOf, type Rule, type Ruleset } from '../ast.ts'
import { printRule } from '../print.ts'
import type { QualityColumn } from '../quality-plan.ts'
import { resolveRule } from './rule-reference.ts'
import type { RulesetTest, RulesetTests, TestRow } from './ruleset-tests.ts'

/** A test whose rules and columns are known. */
export interface BoundTest {
  readonly name: string
  readonly line: number
  readonly rows: readonly TestRow[]
  readonly columns: readonly QualityColumn[]
  readonly history: RulesetTest['history']
  /** Indices of the rules that must fail. */
  readonly fails: ReadonlySet<number>
  /** Indices of the rules that cannot be evaluated. */
  readonly errors: ReadonlySet<number>
  readonly others: RulesetTest['others']
}
export interface BoundTests {
  readonly ruleset: Ruleset
  /** Canonical texts of the rules. */
  readonly rules: readonly string[]
  readonly tests: readonly BoundTest[]
  readonly references: readonly {
    readonly alias: string
    readonly columns: readonly QualityColumn[]
    readonly rows: readonly TestRow[]
  }[]
  readonly now: Date
}

type Path = readonly (string | number)[]

/** Columns by types of the project's type language, as they stand in `columns`. */
export const columnsOfTypes = (types: Readonly<Record<string, string>>): readonly QualityColumn[] =>
  Object.entries(types).map(([name, text]) => {
    const type = parseColumnType(text)
    return { name, duckdbType: printPhysicalType({ arrow: arrowTypeOf(type), maxBytes: maxBytesOf(type) }, 'duckdb') }
  })

/** `now()`, a time of day, or an age: what the rule says depends on the instant of its evaluation. */
const dependsOnNow = ({ condition }: Rule): boolean =>
  condition?.kind === 'duration' ||
  (condition?.kind === 'date' && condition.operands.some(({ kind }) => kind !== 'day' && kind !== 'null'))

/** Replaces `{n}` by the row's number, from 1. */
const numbered = (row: TestRow, number: number): TestRow =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' ? value.replaceAll('{n}', String(number)) : value,
    ]),
  )

const laidOut = ({ rows, repeat }: Pick<RulesetTest, 'rows' | 'repeat'>, base: TestRow): readonly TestRow[] =>
  Array.from({ length: rows.length * repeat }, (_, index) =>
    numbered({ ...base, ...rows[index % rows.length] }, index + 1),
  )

class Binder {
  readonly problems: FileProblem[] = []
  readonly #file: RulesetTests
  readonly #rules: readonly string[]

  constructor(file: RulesetTests, rules: readonly string[]) {
    this.#file = file
    this.#rules = rules
  }

  report(code: string, message: string, path: Path, facts: Pick<FileProblem, 'expected' | 'found'> = {}): void {
    this.problems.push({ code, message, where: this.#file.place(path), ...facts })
  }

  checkColumns(names: readonly string[], known: readonly QualityColumn[], path: Path): void {
    const knownNames = known.map(({ name }) => name)
    for (const name of names) {
      if (knownNames.includes(name)) continue
      const nearest = nearestOf(name, knownNames)
      const hint = nearest === null ? '' : `; did you mean "${nearest}"?`
      this.report('unknown_column', `Column "${name}" is unknown${hint}`, path, {
        expected: `one of ${knownNames.join(', ')}`,
        found: name,
      })
    }
  }

  checkRows(rows: readonly TestRow[], known: readonly QualityColumn[], path: Path): void {
    for (const [index, row] of rows.entries()) this.checkColumns(Object.keys(row), known, [...path, index])
  }

  rulesOf(texts: readonly string[], path: Path): ReadonlySet<number> {
    const found = new Set<number>()
    for (const [position, text] of texts.entries()) {
      const resolved = resolveRule(text, this.#rules)
      if (resolved.ok) for (const index of resolved.indices) found.add(index)
      else
        this.report('unknown_rule', resolved.message, [...path, position], {
          found: text,
          ...(resolved.nearest === null ? {} : { expected: resolved.nearest }),
        })
    }
    return found
  }

  bind(test: RulesetTest, index: number, columns: readonly QualityColumn[]): BoundTest {
    const path = ['tests', index]
    this.checkRows(test.rows, columns, [...path, 'rows'])
    this.checkColumns(test.without, columns, [...path, 'without'])
    const fails = this.rulesOf(test.fails, [...path, 'fails'])
    const errors = this.rulesOf(test.errors, [...path, 'errors'])
    return {
      name: test.name,
      line: this.#file.place(path).line ?? 1,
      rows: laidOut(test, this.#file.row),
      columns: columns.filter(({ name }) => !test.without.includes(name)),
      history: test.history,
      fails,
      errors,
      others: test.others,
    }
  }
}

/**
 * Brings tests together with their ruleset and the columns of the data.
 * @returns the tests, or every rule and column in them that is unknown
 */
export function bindRulesetTests(
  file: RulesetTests,
  ruleset: Ruleset,
  columns: readonly QualityColumn[],
): Parsed<BoundTests> {
  const rules = ruleset.rules.map(printRule)
  const binder = new Binder(file, rules)
  binder.checkColumns(Object.keys(file.row), columns, ['row'])
  const references = Object.entries(file.references).map(([alias, { columns: types, rows }]) => {
    const known = columnsOfTypes(types)
    binder.checkRows(rows, known, ['references', alias, 'rows'])
    return { alias, columns: known, rows: laidOut({ rows, repeat: 1 }, {}) }
  })
  const tests = file.tests.map((test, index) => binder.bind(test, index, columns))
  const dependent = ruleset.rules.find((rule) => leavesOf(rule).some(dependsOnNow))
  if (file.now === null && dependent !== undefined)
    binder.report('now_needed', `What "${printRule(dependent)}" says depends on the time: the tests need "now"`, [], {
      expected: 'now: 2026-03-10T12:00:00Z',
    })
  if (binder.problems.length > 0) return { ok: false, problems: binder.problems }
  return { ok: true, value: { ruleset, rules, tests, references, now: file.now ?? new Date(0) } }
}
