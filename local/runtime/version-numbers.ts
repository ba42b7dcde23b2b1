/** Numbers of published versions, given once and kept in the state folder. */
import type { VersionNumbers } from '../assembly/identity.ts'
import type { Collection, Store } from '../service.ts'

export interface DurableNumbers extends VersionNumbers {
  /** Resolves once every number given so far is on disk. */
  saved(): Promise<void>
}

/** Each function and machine counts its versions from 1; a number is never given twice. */
export function durableNumbers(store: Store): DurableNumbers {
  const kept: Collection<number> = store.collection('assembly.versions')
  const given = new Map<string, number>()
  let writes: Promise<void>[] = []
  const highest = (arn: string): number => {
    const numbers = [...kept.range([arn])].map(({ value }) => value)
    const unsaved = [...given].filter(([name]) => name.startsWith(`${arn}\n`)).map(([, value]) => value)
    return Math.max(0, ...numbers, ...unsaved)
  }
  return {
    numberOf: (arn, key) => {
      const name = `${arn}\n${key}`
      const known = given.get(name) ?? kept.get([arn, key])
      if (known !== undefined) return String(known)
      const next = highest(arn) + 1
      given.set(name, next)
      writes.push(kept.put([arn, key], next))
      return String(next)
    },
    saved: async () => {
      const pending = writes
      writes = []
      await Promise.all(pending)
    },
  }
}
