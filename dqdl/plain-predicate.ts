import { isNumber, type SparkKind } from './spark-kinds.ts'
import { identifier } from './sql.ts'
import type { SqlTranslation } from './sql-translation.ts'

const TOKEN =
  /\s+|(?<word>[A-Za-z_][A-Za-z0-9_]*)|`(?<quoted>[^`]+)`|(?<number>-?\d+(?:\.\d+)?(?![\w.]))|(?<text>'[^'\\]*')|(?<operator><=|>=|<>|!=|[=<>])/y

type Kind = 'word' | 'quoted' | 'number' | 'text' | 'operator'
interface Token {
  readonly kind: Kind
  readonly text: string
}
const KINDS: readonly Kind[] = ['word', 'quoted', 'number', 'text', 'operator']

/** Tokens of the plain form; `null` where there is anything else. */
function tokensOf(predicate: string): readonly Token[] | null {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < predicate.length) {
    const groups = TOKEN.exec(predicate)
    if (groups === null) return null
    const kind = KINDS.find((each) => groups.groups?.[each] !== undefined)
    if (kind !== undefined) tokens.push({ kind, text: groups.groups?.[kind] ?? '' })
  }
  return tokens
}

/** Words that are no name of a column where one may stand: constants, words of the grammar, beginnings of expressions. */
const NO_NAMES = new Set(
  `all alter and any array between binary both case cast create cross curdate date delete distinct div drop else end
  except exists false from having ilike in inner insert intersect interval into is join lambda lateral leading like
  map natural not now null on or pi qualify regexp rlike select set some struct table then timestamp trailing true
  try_cast union using values when where with if`.split(/\s+/),
)
const isName = (word: string): boolean =>
  !NO_NAMES.has(word.toLowerCase()) && !/^(?:current|local|session|sys|utc)_?/i.test(word)

type Kinds = ReadonlyMap<string, SparkKind>

/** Whether Spark compares the two without a cast: numbers with numbers, texts with texts. */
function comparesAsItStands(column: string, literal: Token, kinds: Kinds | null): boolean {
  if (kinds === null) return true
  const kind = kinds.get(column.toLowerCase()) ?? null
  return literal.kind === 'number' ? isNumber(kind) && kind !== 'float' : kind === 'text'
}

/** `name IS [NOT] NULL` or `name operator literal`. @returns its SQL, the column and how many tokens it took */
function comparison(
  tokens: readonly Token[],
  from: number,
  kinds: Kinds | null,
): { sql: string; column: string; taken: number } | null {
  const [name, second, third, fourth] = tokens.slice(from, from + 4)
  if (name === undefined || second === undefined || third === undefined) return null
  if (name.kind !== 'quoted' && (name.kind !== 'word' || !isName(name.text))) return null
  const column = identifier(name.text)
  const isWord = (token: Token | undefined, word: string): boolean =>
    token?.kind === 'word' && token.text.toLowerCase() === word
  if (isWord(second, 'is') && isWord(third, 'null')) return { sql: `${column} IS NULL`, column: name.text, taken: 3 }
  if (isWord(second, 'is') && isWord(third, 'not') && isWord(fourth, 'null'))
    return { sql: `${column} IS NOT NULL`, column: name.text, taken: 4 }
  if (second.kind !== 'operator' || (third.kind !== 'number' && third.kind !== 'text')) return null
  if (!comparesAsItStands(name.text, third, kinds)) return null
  const operator = second.text === '!=' ? '<>' : second.text
  return { sql: `${column} ${operator} ${third.text}`, column: name.text, taken: 3 }
}

/**
 * The translation of a where clause that says the same in Spark and in DuckDB: comparisons of columns with literals and
 * with NULL, joined by AND and OR. It is the one that the library gives, at once: loading the library takes longer than
 * measuring a million rows. `null` for every other clause.
 * @param kinds of the columns; `null`: they are not known, and nothing is cast
 */
export function translatePlainPredicate(predicate: string, kinds: Kinds | null): SqlTranslation | null {
  const tokens = tokensOf(predicate)
  if (tokens === null) return null
  const parts: string[] = []
  const columns = new Set<string>()
  let position = 0
  for (;;) {
    const part = comparison(tokens, position, kinds)
    if (part === null) return null
    parts.push(part.sql)
    columns.add(part.column)
    position += part.taken
    const connector = tokens[position]
    if (connector === undefined) break
    if (connector.kind !== 'word' || !/^(?:and|or)$/i.test(connector.text)) return null
    parts.push(connector.text.toUpperCase())
    position += 1
  }
  return { sql: `(${parts.join(' ')})`, refused: null, tables: [], columns: [...columns] }
}
