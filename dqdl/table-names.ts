import { isJsonObject } from '../core/json.ts'

/** What a statement reads: tables by their full names, without those it defines itself, and functions that stand for tables. */
export interface ReadSources {
  readonly tables: readonly string[]
  readonly functions: readonly string[]
  /** Names of columns without a table's name, where nothing but the one table can have them; else none. */
  readonly columns: readonly string[]
}

const nameOf = (value: unknown): string => (isJsonObject(value) && typeof value.name === 'string' ? value.name : '')

interface Found {
  readonly tables: Set<string>
  readonly defined: Set<string>
  readonly functions: Set<string>
  readonly columns: Set<string>
  /** Names that the statement gives to what it selects. */
  readonly aliases: Set<string>
  selects: number
  lambdas: number
}

function visit(node: unknown, inFrom: boolean, found: Found): void {
  if (Array.isArray(node)) {
    for (const item of node) visit(item, inFrom, found)
    return
  }
  if (!isJsonObject(node)) return
  for (const [key, value] of Object.entries(node)) {
    if (key === 'table' && isJsonObject(value) && nameOf(value.name) !== '')
      found.tables.add(
        [nameOf(value.catalog), nameOf(value.schema), nameOf(value.name)].filter((part) => part !== '').join('.'),
      )
    if (key === 'ctes' && Array.isArray(value))
      for (const cte of value) if (isJsonObject(cte)) found.defined.add(nameOf(cte.alias))
    if (key === 'column' && isJsonObject(value) && nameOf(value.table) === '') found.columns.add(nameOf(value.name))
    if (key === 'alias' && isJsonObject(value))
      found.aliases.add(nameOf(isJsonObject(value.alias) ? value.alias : value))
    if (key === 'select') found.selects += 1
    if (key === 'lambda') found.lambdas += 1
    if (inFrom && (key === 'function' || key === 'anonymous')) found.functions.add(nameOf(value))
    // A sub-select inside FROM has a select list of its own.
    visit(value, key === 'from' || key === 'joins' || (inFrom && key !== 'select' && key !== 'on'), found)
  }
}

/** @param tree of a parsed statement */
export function readSourcesOf(tree: unknown): ReadSources {
  const found: Found = {
    tables: new Set(),
    defined: new Set(),
    functions: new Set(),
    columns: new Set(),
    aliases: new Set(),
    selects: 0,
    lambdas: 0,
  }
  visit(tree, false, found)
  const plain = found.selects === 1 && found.lambdas === 0 && found.tables.size <= 1 && found.defined.size === 0
  return {
    columns: plain ? [...found.columns].filter((name) => name !== '' && !found.aliases.has(name)) : [],
    tables: [...found.tables].filter((name) => !found.defined.has(name)),
    functions: [...found.functions],
  }
}
