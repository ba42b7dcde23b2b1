import { isJsonObject } from '../core/json.ts'
import { MAX_SOURCES } from './manifest.ts'

/** Deeper, or with more members, no manifest is; beyond, telling what is wrong would cost more than it is worth. */
const MAX_DEPTH = 4
const MAX_MEMBERS = 30

/** The first place where a document has not even the size of a manifest. */
export interface BoundsProblem {
  readonly path: string
  readonly message: string
  readonly expected: string
  readonly found: string
}

interface Place {
  readonly value: unknown
  readonly path: string
  readonly depth: number
}

const childrenOf = ({ value, path, depth }: Place): readonly Place[] => {
  const below = depth + 1
  if (Array.isArray(value))
    return value.map((item, index) => ({ value: item, path: `${path}[${index}]`, depth: below }))
  if (!isJsonObject(value)) return []
  return Object.entries(value).map(([name, member]) => ({ value: member, path: `${path}.${name}`, depth: below }))
}

function problemAt({ value, path, depth }: Place): BoundsProblem | null {
  const nested = Array.isArray(value) || isJsonObject(value)
  if (nested && depth > MAX_DEPTH)
    return {
      path,
      message: 'Nothing in a manifest lies so deep',
      expected: `at most ${MAX_DEPTH} levels`,
      found: 'more',
    }
  const size = Array.isArray(value) ? value.length : isJsonObject(value) ? Object.keys(value).length : 0
  const most = Array.isArray(value) ? MAX_SOURCES : MAX_MEMBERS
  if (size <= most) return null
  const what = Array.isArray(value) ? 'items' : 'members'
  return {
    path,
    message: `A manifest has not so many ${what}`,
    expected: `at most ${most} ${what}`,
    found: `${size} ${what}`,
  }
}

/** Holds a document to the size of a manifest before anybody looks closer; `null` when it has it. */
export function boundsProblem(document: unknown): BoundsProblem | null {
  const open: Place[] = [{ value: document, path: '$', depth: 0 }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const found = problemAt(place)
    if (found !== null) return found
    for (const child of childrenOf(place)) open.push(child)
  }
  return null
}
