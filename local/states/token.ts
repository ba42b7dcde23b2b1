/** What a task token names. Opaque to clients; the nonce makes each attempt's its own. */
export interface TokenParts {
  readonly executionArn: string
  readonly thread: number
}

/** The token of one attempt of a task. */
export const taskToken = (executionArn: string, thread: number, nonce: string): string =>
  Buffer.from(JSON.stringify([executionArn, thread, nonce])).toString('base64url')

/** @returns `null` for text that is no token of ours. */
export function parseTaskToken(token: string): TokenParts | null {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString())
    if (!Array.isArray(parts) || parts.length !== 3) return null
    const [executionArn, thread] = parts as readonly unknown[]
    return typeof executionArn === 'string' && typeof thread === 'number' ? { executionArn, thread } : null
  } catch {
    return null
  }
}
