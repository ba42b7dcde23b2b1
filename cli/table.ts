/** Characters of Unicode's category "control" are shown as a mark: text from files must not steer a terminal. */
const shownText = (text: string): string => text.replace(/\p{Cc}/gu, '\ufffd')

/** Rows as aligned columns, two blanks apart; the first row may be a head. Control characters are shown, not sent to the terminal. */
export function columns(rows: readonly (readonly string[])[], align: readonly ('left' | 'right')[]): string {
  const shown = rows.map((row) => row.map((cell) => shownText(cell)))
  const widths = align.map((_, index) => Math.max(0, ...shown.map((row) => row[index]?.length ?? 0)))
  return shown
    .map((row) =>
      row
        .map((cell, index) =>
          align[index] === 'right' ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
