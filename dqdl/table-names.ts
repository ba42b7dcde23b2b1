import { isJsonObject } from '../core/json.ts'

/** What a statement reads: tables by their full names, without those it defines itself, and functions that stand for tables. */
export interface ReadSources {
  readonly tables: readonly string[]
  readonly functions: readonly string[]
}

const nameOf = (value: unknown): string => (isJsonObject(value) && typeof value.name === 'string' ? value.name : '')

interface Found {
  readonly tables: Set<string>
  readonly defined: Set<string>
  readonly functions: Set<string>
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
    if (inFrom && (key === 'function' || key === 'anonymous')) found.functions.add(nameOf(value))
    // A sub-select inside FROM has a select list of its own.
    visit(value, key === 'from' || key === 'joins' || (inFrom && key !== 'select' && key !== 'on'), found)
  }
}

/** @param tree of a parsed statement */
export function readSourcesOf(tree: unknown): ReadSources {
  const found: Found = { tables: new Set(), defined: new Set(), functions: new Set() }
  visit(tree, false, found)
  return {
    tables: [...found.tables].filter((name) => !found.defined.has(name)),
    functions: [...found.functions],
  }
}
