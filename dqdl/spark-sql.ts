import { setFlagsFromString } from 'node:v8'
import { leavesOf, type Ruleset } from './ast.ts'
import { translatePlainPredicate } from './plain-predicate.ts'
import type { QualityColumn } from './quality-plan.ts'
import { withImplicitCasts } from './spark-casts.ts'
import { kindsOfColumns, type SparkKind } from './spark-kinds.ts'
import { withDuckdbMeaning } from './spark-meaning.ts'
import { plainSparkText } from './spark-text.ts'
import type { SqlTranslation, SqlTranslations } from './sql-translation.ts'
import { readSourcesOf } from './table-names.ts'

interface Translator {
  translate(sparkSql: string): SqlTranslation
  outputsOf(sparkSql: string): readonly (string | null)[]
}

const SELECT_WHERE = 'SELECT 1 WHERE '

/** Calls after which V8 compiles a WebAssembly function once more, optimised: its default, and never. */
const TIERING_BUDGET = { usual: 1_800_000, never: 1_000_000_000 } as const
const setTieringBudget = (budget: number): void => setFlagsFromString(`--wasm-tiering-budget=${budget}`)

/** The translator reads a few lines; optimising its 22 MB would keep both cores busy for seconds beside the evaluation. */
async function importTranslator(): Promise<typeof import('@polyglot-sql/sdk')> {
  setTieringBudget(TIERING_BUDGET.never)
  try {
    return await import('@polyglot-sql/sdk')
  } finally {
    setTieringBudget(TIERING_BUDGET.usual)
  }
}

const loadTranslator = async (kinds: ReadonlyMap<string, SparkKind>): Promise<Translator> => {
  const { Dialect, generate, outputColumns, parse, transpile } = await importTranslator()
  /** The same statement in words that DuckDB takes as Spark means them; as it is where the library cannot print it again. */
  const prepared = (sparkSql: string): string => {
    const { ast } = parse(sparkSql, Dialect.Spark)
    const printed =
      ast === undefined || ast === null
        ? undefined
        : generate(withDuckdbMeaning(withImplicitCasts(ast, kinds)), Dialect.Spark).sql
    return printed?.length === 1 ? (printed[0] ?? sparkSql) : sparkSql
  }
  const translate = (sparkSql: string): SqlTranslation => {
    const { success, sql, error } = transpile(prepared(plainSparkText(sparkSql)), Dialect.Spark, Dialect.DuckDB)
    if (!success || sql === undefined) return { sql: null, refused: `Cannot read as Spark SQL: ${error ?? 'unknown'}` }
    const [only, second] = sql
    if (only === undefined || second !== undefined) return { sql: null, refused: 'Exactly one statement is allowed' }
    const { tables, functions, columns } = readSourcesOf(parse(only, Dialect.DuckDB).ast)
    const [foreign] = functions
    if (foreign !== undefined) return { sql: null, refused: `Function ${foreign} cannot stand for a table` }
    return {
      sql: only,
      refused: null,
      tables,
      columns: tables.every((name) => name.toLowerCase() === 'primary') ? columns : [],
    }
  }
  return {
    translate,
    outputsOf(sparkSql) {
      const { output } = outputColumns(plainSparkText(sparkSql), Dialect.Spark)
      return (output?.columns ?? []).map((column) => {
        if (column.kind === 'wildcard') return '*'
        return column.kind === 'named' ? column.name : null
      })
    },
  }
}

function translatePredicate(predicate: string, { translate }: Translator): SqlTranslation {
  const { sql, refused, tables = [], columns = [] } = translate(`${SELECT_WHERE}(${predicate}\n)`)
  if (sql === null) return { sql, refused: `The provided where clause is invalid: ${refused}` }
  if (!sql.startsWith(SELECT_WHERE)) return { sql: null, refused: 'The provided where clause is invalid' }
  return { sql: sql.slice(SELECT_WHERE.length), refused: null, tables, columns }
}

function translateStatement(statement: string, { translate, outputsOf }: Translator): SqlTranslation {
  const { sql, refused, tables = [], columns = [] } = translate(statement)
  if (sql === null) return { sql, refused }
  if (!/^\s*(?:SELECT|WITH|\()/i.test(sql)) return { sql: null, refused: 'Only queries are allowed in CustomSql' }
  return { sql, refused: null, tables, columns, outputs: outputsOf(statement) }
}

/** Translates where clauses by the library alone; see {@link translateRuleset}. */
export async function translatePredicates(
  predicates: readonly string[],
  tables: readonly (readonly QualityColumn[])[] = [],
): Promise<SqlTranslations> {
  const translator = await loadTranslator(kindsOfColumns(tables))
  return Object.fromEntries(predicates.map((each) => [each, translatePredicate(each, translator)]))
}

/**
 * Translates every where clause and CustomSql statement of a ruleset from Spark SQL to DuckDB. The translator (22 MB of
 * WebAssembly) is loaded only when one needs it.
 * @param tables columns of the data and of what stands beside it: Spark casts by their types where nobody wrote a cast.
 * Without them such a text is translated as it stands, and what the engine does not cast by itself is ERROR.
 */
export async function translateRuleset(
  { rules }: Ruleset,
  tables: readonly (readonly QualityColumn[])[] = [],
): Promise<SqlTranslations> {
  const leaves = rules.flatMap(leavesOf)
  const clauses = new Set(leaves.flatMap(({ where }) => where ?? []))
  const kinds = kindsOfColumns(tables)
  const plain: SqlTranslations = Object.fromEntries(
    [...clauses].flatMap((each) => {
      const translation = translatePlainPredicate(each, tables.length === 0 ? null : kinds)
      return translation === null ? [] : [[each, translation] as const]
    }),
  )
  const predicates = new Set([...clauses].filter((each) => plain[each] === undefined))
  const statements = new Set(
    leaves.flatMap(({ type, parameters }) => (type === 'CustomSql' ? (parameters[0]?.text ?? []) : [])),
  )
  if (predicates.size + statements.size === 0) return plain
  const translator = await loadTranslator(kinds)
  const translated = Object.fromEntries([
    ...[...statements].map((each) => [each, translateStatement(each, translator)] as const),
    ...[...predicates].map((each) => [each, translatePredicate(each, translator)] as const),
  ])
  return { ...plain, ...translated }
}
