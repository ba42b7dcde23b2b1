/** The `code` that Node, zlib and Postgres give their errors; empty when there is none. */
export const errorCodeOf = (thrown: unknown): string =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown ? String(thrown.code) : ''
