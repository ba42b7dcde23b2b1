/** Pages of lists that are small enough to be held: a token says how far the last page went. */
import type { Input } from './input.ts'
import { AwsError } from './service.ts'

export interface Paging {
  /** Input member with the token. @default NextToken */
  readonly token?: string
  /** Input member with the size of a page. @default MaxResults */
  readonly limit?: string
  /** Items of a page where the request says nothing, and at most. */
  readonly size: number
  /** Code of the error for a token that is none of ours. */
  readonly invalidToken: string
}

export interface PageOf<T> {
  readonly page: readonly T[]
  /** The token of the next page; `undefined` at the end. */
  readonly next: string | undefined
}

/** @throws AwsError with the paging's code */
export function pageOf<T>(items: readonly T[], input: Input, paging: Paging): PageOf<T> {
  const from = offsetOf(input.textOr(paging.token ?? 'NextToken', null), paging)
  const asked = Number(input.members[paging.limit ?? 'MaxResults'] ?? paging.size)
  const to = from + Math.max(1, Math.min(asked, paging.size))
  return {
    page: items.slice(from, to),
    next: to < items.length ? Buffer.from(`page:${to}`).toString('base64url') : undefined,
  }
}

function offsetOf(token: string | null, { invalidToken }: Paging): number {
  if (token === null || token === '') return 0
  const offset = /^page:(\d+)$/.exec(Buffer.from(token, 'base64url').toString())?.[1]
  if (offset === undefined) throw new AwsError(invalidToken, 'The specified pagination token is invalid.')
  return Number(offset)
}
