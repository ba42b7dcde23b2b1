/** How a line of delimited text is cut; each is one character. */
export interface Dialect {
  readonly delimiter: string
  readonly quote: string
  readonly escape: string
}

export interface SplitRecords {
  /** Records that ended, in order, empty lines left out; at most as many as asked for. */
  readonly records: readonly (readonly string[])[]
  /** The record that the text ended in, if it ended in one: without line end. */
  readonly unterminated: { readonly fields: readonly string[]; readonly inQuote: boolean } | null
  /** Characters of the longest record met, the unterminated one too. */
  readonly longest: number
}

/**
 * Cuts text into records, by the rules the transform cuts by: a record ends at LF, CRLF or CR outside of quotes, a quote
 * opens only at the start of a field or behind one blank there, empty lines are no records.
 * @param insideQuote the text starts inside a quoted field
 */
export function splitRecords(text: string, dialect: Dialect, atMost: number, insideQuote = false): SplitRecords {
  const records: string[][] = []
  let fields: string[] = []
  let field = ''
  let quoted = insideQuote
  let atFieldStart = !insideQuote
  let recordStart = 0
  let fieldStart = 0
  let longest = 0
  let index = 0
  const { delimiter, quote, escape: escaping } = dialect
  const endField = (): void => {
    fields.push(field)
    field = ''
    atFieldStart = true
    fieldStart = index + 1
  }
  while (index < text.length && records.length < atMost) {
    const character = text.charAt(index)
    if (quoted) {
      if (character === escaping && text.charAt(index + 1) === quote && quote !== '') {
        field += quote
        index += 1
      } else if (character === quote) quoted = false
      else field += character
    } else if (character === quote && quote !== '' && (atFieldStart || (field === ' ' && index === fieldStart + 1))) {
      quoted = true
      field = ''
      atFieldStart = false
    } else if (character === delimiter) endField()
    else if (character === '\n' || character === '\r') {
      longest = Math.max(longest, index - recordStart)
      endField()
      if (fields.length > 1 || fields[0] !== '') records.push(fields)
      fields = []
      if (character === '\r' && text.charAt(index + 1) === '\n') index += 1
      recordStart = index + 1
      fieldStart = recordStart
    } else {
      field += character
      atFieldStart = false
    }
    index += 1
  }
  const rest = index >= text.length && (fields.length > 0 || field !== '' || quoted || !atFieldStart)
  if (rest) longest = Math.max(longest, text.length - recordStart)
  return { records, unterminated: rest ? { fields: [...fields, field], inQuote: quoted } : null, longest }
}
