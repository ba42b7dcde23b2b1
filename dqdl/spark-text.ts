/** A quoted text or name, or a run of anything else, of a Spark SQL text. */
const PIECES = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--[^\n]*|\/\*.*?\*\/|!=|./gs
/** Escapes that Spark gives a meaning to; the backslash of any other is left out. */
const NO_ESCAPE = /^\\([^nrtb0Z'"\\%_uU0-9])$/s

/** Backslashes that stay: LIKE reads them. */
const KEPT_ESCAPE = /^\\([%_])$/

/**
 * The text with what the translator's parser does not know written in words that it does: `!` for NOT, and backslashes that
 * mean nothing (`'\d'` is the letter d to Spark).
 */
export const plainSparkText = (sparkSql: string): string =>
  sparkSql.replace(PIECES, (piece) => {
    if (piece === '!') return ' NOT '
    const isText = piece.length > 1 && (piece.startsWith("'") || piece.startsWith('"'))
    return isText ? withoutEmptyEscapes(piece) : piece
  })

/** Pairs of backslashes are taken together, so that `\\d` stays. */
const withoutEmptyEscapes = (text: string): string =>
  text.replace(/\\./gs, (pair) => pair.replace(NO_ESCAPE, '$1').replace(KEPT_ESCAPE, '\\\\$1'))
