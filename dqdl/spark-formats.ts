/** Letters of Spark's date patterns as the engine writes them. */
const LETTERS: Readonly<Record<string, string>> = {
  yyyy: '%Y',
  y: '%Y',
  yy: '%y',
  MM: '%m',
  M: '%-m',
  MMM: '%b',
  MMMM: '%B',
  dd: '%d',
  d: '%-d',
  HH: '%H',
  H: '%-H',
  hh: '%I',
  h: '%-I',
  mm: '%M',
  m: '%-M',
  ss: '%S',
  s: '%-S',
  SSS: '%g',
  SSSSSS: '%f',
  a: '%p',
  E: '%a',
  EE: '%a',
  EEE: '%a',
  EEEE: '%A',
  DDD: '%j',
  D: '%-j',
}

/** The engine's form of a pattern such as `yyyy-MM-dd`; `null` for letters that it has no word for. */
export function strftimeOf(pattern: string): string | null {
  const pieces = pattern.match(/'(?:[^']|'')*'|([A-Za-z])\1*|./gs) ?? []
  const formats = pieces.map((piece) => {
    if (piece.startsWith("'"))
      return piece === "''" ? "'" : piece.slice(1, -1).replaceAll("''", "'").replaceAll('%', '%%')
    return /^[A-Za-z]/.test(piece) ? (LETTERS[piece] ?? null) : piece.replace('%', '%%')
  })
  return formats.includes(null) ? null : formats.join('')
}
