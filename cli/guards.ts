import { isJsonObject } from '../core/json.ts'

/** Tells whether an answer that came as JSON has a type. */
export type Guard<T> = (value: unknown) => value is T

export const isText: Guard<string> = (value) => typeof value === 'string'
export const isNumber: Guard<number> = (value) => typeof value === 'number'
export const isFlag: Guard<boolean> = (value) => typeof value === 'boolean'

export const orNull =
  <T>(holds: Guard<T>): Guard<T | null> =>
  (value): value is T | null =>
    value === null || holds(value)

/** Of a member that may be missing. */
export const optional =
  <T>(holds: Guard<T>): Guard<T | undefined> =>
  (value): value is T | undefined =>
    value === undefined || holds(value)

export const oneOf =
  <const T extends string>(values: readonly T[]): Guard<T> =>
  (value): value is T =>
    values.some((known) => known === value)

export const listOf =
  <T>(holds: Guard<T>): Guard<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.every((item: unknown) => holds(item))

/** An object whose members, whatever their names, all have a type. */
export const recordOf =
  <T>(holds: Guard<T>): Guard<Readonly<Record<string, T>>> =>
  (value): value is Readonly<Record<string, T>> =>
    isJsonObject(value) && Object.values(value).every((member) => holds(member))

/** An object with at least these members; further ones are left as they are. */
export function objectWith<T extends object>(members: { readonly [Name in keyof T]-?: Guard<T[Name]> }): Guard<T> {
  const checks: readonly (readonly [string, Guard<unknown>])[] = Object.entries<Guard<unknown>>(members)
  return (value): value is T => isJsonObject(value) && checks.every(([name, holds]) => holds(value[name]))
}

/** The answer as what it must be. @throws Error naming what it should have been */
export function expected<T>(answer: unknown, holds: Guard<T>, what: string): T {
  if (holds(answer)) return answer
  throw new Error(`the metadata function answered no ${what}: ${JSON.stringify(answer)?.slice(0, 200)}`)
}
