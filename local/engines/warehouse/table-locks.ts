import { tokenize } from './lexer.ts'

const HEAD_CHARACTERS = 600

/** What a statement writes or locks, read from its first words; `null` for one that only reads. */
export function writeTargets(sql: string): readonly string[] {
  const words = tokenize(`${sql.slice(0, HEAD_CHARACTERS).replaceAll(/['"]/g, ' ')}`).map(({ value }) => value)
  const [verb = '', ...rest] = words
  if (!['insert', 'update', 'delete', 'merge', 'truncate', 'copy', 'lock', 'drop', 'create', 'alter'].includes(verb))
    return []
  const named = rest.filter(
    (word) => !['into', 'from', 'table', 'view', 'if', 'exists', 'not', 'only', 'temp'].includes(word),
  )
  const [first = '', dot, second = ''] = named
  return [dot === '.' ? `${first}.${second}` : first]
}

/** One writer a table: whoever comes first holds all it asked for, the others wait in line. */
export interface TableLocks {
  /** Resolves with a function that lets go. All names of one call are taken together, so nobody waits in a circle. */
  acquire(names: readonly string[]): Promise<() => void>
}

export function tableLocks(): TableLocks {
  const tails = new Map<string, Promise<void>>()
  return {
    async acquire(names) {
      const mine = [...new Set(names)]
      const before = mine.map((name) => tails.get(name) ?? Promise.resolve())
      let letGo = (): void => undefined
      const done = new Promise<void>((resolve) => {
        letGo = resolve
      })
      for (const name of mine) tails.set(name, done)
      await Promise.all(before)
      return () => {
        for (const name of mine) if (tails.get(name) === done) tails.delete(name)
        letGo()
      }
    },
  }
}
