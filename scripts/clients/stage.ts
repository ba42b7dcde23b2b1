/** Where a scenario is played: one client, its calls recorded and what they answer compared. */
import { messageOf } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'
import type { CallOptions, Client, ClientName, Failure, Members } from './client.ts'

export interface CallRecord {
  readonly service: string
  readonly operation: string
  readonly client: ClientName
  /** What was wrong; `null` for a call that answered as it should. */
  readonly wrong: string | null
}

/** What an output must hold: members given here and no fewer; a function judges a value. */
export type Expected =
  | null
  | boolean
  | number
  | string
  | RegExp
  | ((value: unknown) => boolean)
  | readonly Expected[]
  | { readonly [name: string]: Expected }

export interface ExpectedFailure {
  /** One of them: clients of services that left Query show the code of either protocol. */
  readonly code: string | readonly string[]
  readonly status: number
  readonly message?: RegExp
}

export interface Stage {
  readonly client: Client
  readonly endpoint: string
  readonly accountId: string
  readonly region: string
  /** A name that no other client uses. */
  name(purpose: string): string
  /** Calls and expects success with these members. @throws Mismatch */
  ok(service: string, operation: string, input: Members, expected?: Expected, options?: CallOptions): Promise<Members>
  /** Calls and expects this error. @throws Mismatch */
  fails(
    service: string,
    operation: string,
    input: Members,
    expected: ExpectedFailure,
    options?: CallOptions,
  ): Promise<Failure>
  /** Follows a token through all pages: their items, and how many pages there were. */
  pages(
    service: string,
    operation: string,
    input: Members,
    list: string,
    tokens: { readonly output: string; readonly input: string },
  ): Promise<{ readonly items: readonly unknown[]; readonly pages: number }>
  /** A check of something that is no call of the client, recorded under a name. */
  check(service: string, what: string, work: () => Promise<void> | void): Promise<void>
  /** A part of a scenario: what fails in it is recorded, and the rest goes on. */
  part(service: string, what: string, work: () => Promise<void>): Promise<void>
}

/** Something answered otherwise than AWS would. */
export class Mismatch extends Error {}

export interface StageOptions {
  readonly client: Client
  readonly endpoint: string
  readonly accountId: string
  readonly region: string
  /** Distinguishes the runs on one state folder. */
  readonly run: string
  readonly record: (call: CallRecord) => void
}

export function stageOf({ client, record, run, ...place }: StageOptions): Stage {
  const noted = async <T>(service: string, operation: string, work: () => Promise<T> | T): Promise<T> => {
    const note = (wrong: string | null): void => record({ service, operation, client: client.name, wrong })
    try {
      const result = await work()
      note(null)
      return result
    } catch (thrown) {
      note(messageOf(thrown))
      throw thrown
    }
  }
  const ok: Stage['ok'] = (service, operation, input, expected = {}, options = {}) =>
    noted(service, operation, async () => {
      const answer = await client.call(service, operation, input, options)
      if ('error' in answer) {
        const { code, message, status } = answer.error
        throw new Mismatch(`${operation}: ${code} (${status}): ${message}`)
      }
      if (!answer.requestId) throw new Mismatch(`${operation}: the answer has no request id`)
      compare(answer.output, expected, operation)
      return answer.output
    })
  return {
    client,
    ...place,
    name: (purpose) => `${purpose}-${client.name}-${run}`,
    ok,
    fails: (service, operation, input, expected, options = {}) =>
      noted(service, operation, async () => {
        const answer = await client.call(service, operation, input, options)
        if (!('error' in answer)) throw new Mismatch(`${operation}: succeeded, expected ${expected.code}`)
        checkFailure(operation, answer.error, expected)
        return answer.error
      }),
    pages: async (service, operation, input, list, tokens) => {
      const items: unknown[] = []
      let token: Members[string]
      for (let pages = 1; pages < 100; pages += 1) {
        const output = await ok(service, operation, token === undefined ? input : { ...input, [tokens.input]: token })
        const { [list]: page, [tokens.output]: next } = output
        if (Array.isArray(page)) items.push(...page)
        if (next === undefined || next === null || next === '') return { items, pages }
        token = next
      }
      throw new Mismatch(`${operation}: the pages do not end`)
    },
    check: async (service, what, work) => void (await noted(service, what, work)),
    part: async (service, what, work) => {
      try {
        await work()
      } catch (thrown) {
        if (!(thrown instanceof Mismatch))
          record({ service, operation: what, client: client.name, wrong: messageOf(thrown) })
      }
    },
  }
}

function checkFailure(operation: string, found: Failure, expected: ExpectedFailure): void {
  const codes = typeof expected.code === 'string' ? [expected.code] : expected.code
  const shown = `${found.code} (${found.status}): ${found.message}`
  if (!codes.includes(found.code) || found.status !== expected.status)
    throw new Mismatch(`${operation}: ${shown}, expected ${codes.join(' or ')} (${expected.status})`)
  if (expected.message !== undefined && !expected.message.test(found.message))
    throw new Mismatch(`${operation}: ${shown}, expected a message like ${expected.message}`)
  if (!found.requestId) throw new Mismatch(`${operation}: the error has no request id`)
}

/** @throws Mismatch at the first member that is otherwise */
export function compare(actual: unknown, expected: Expected, path: string): void {
  const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 300) ?? String(value)
  const wrong = (what: string): never => {
    throw new Mismatch(`${path}: expected ${what}, found ${shown(actual)}`)
  }
  if (typeof expected === 'function') {
    if (!expected(actual)) wrong(expected.name === '' ? expected.toString().slice(0, 120) : expected.name)
  } else if (expected instanceof RegExp) {
    if (typeof actual !== 'string' || !expected.test(actual)) wrong(String(expected))
  } else if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) wrong(`${expected.length} items`)
    else
      expected.forEach((item: Expected, index) => {
        compare(actual[index], item, `${path}[${index}]`)
      })
  } else if (isJsonObject(expected)) {
    if (!isJsonObject(actual)) wrong('an object')
    else for (const [name, item] of Object.entries(expected)) compare(actual[name], item as Expected, `${path}.${name}`)
  } else if (actual !== expected) wrong(shown(expected))
}
