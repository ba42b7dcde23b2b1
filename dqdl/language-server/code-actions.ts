import { type CodeAction, CodeActionKind, type Diagnostic, type TextEdit } from 'vscode-languageserver'
import type { TextDocument } from 'vscode-languageserver-textdocument'
import { messageOf, misspellingOf } from './diagnostics.ts'

interface Fix {
  readonly title: string
  readonly edits: TextEdit[]
}

const replaceAll = (document: TextDocument, newText: string): TextEdit => ({
  range: { start: { line: 0, character: 0 }, end: document.positionAt(document.getText().length) },
  newText,
})

function fixOf(document: TextDocument, diagnostic: Diagnostic): Fix | null {
  const misspelling = misspellingOf(document, diagnostic)
  if (misspelling !== null) {
    const { range, nearest } = misspelling
    return { title: `Change to "${nearest}"`, edits: [{ range, newText: nearest }] }
  }
  const { range, code } = diagnostic
  const message = messageOf(diagnostic)
  if (/put a comma before it/i.test(message))
    return {
      title: 'Put a comma before it',
      edits: [{ range: { start: range.start, end: range.start }, newText: ', ' }],
    }
  if (message.startsWith('Unexpected carriage return'))
    return {
      title: 'Change all line ends to LF',
      edits: [replaceAll(document, document.getText().replaceAll('\r', ''))],
    }
  if (message.startsWith('Comment has no line end'))
    return { title: 'End the file with a line feed', edits: [replaceAll(document, `${document.getText()}\n`)] }
  if (code === 'trailing_comma') return trailingComma(document, diagnostic)
  return null
}

function trailingComma(document: TextDocument, { range }: Diagnostic): Fix | null {
  const before = document.getText({ start: { line: 0, character: 0 }, end: range.start })
  const comma = before.lastIndexOf(',')
  if (comma === -1) return null
  const place = { start: document.positionAt(comma), end: document.positionAt(comma + 1) }
  return { title: 'Remove the last comma', edits: [{ range: place, newText: '' }] }
}

/** What mends the diagnostics of a place. */
export function codeActionsFor(document: TextDocument, diagnostics: readonly Diagnostic[]): readonly CodeAction[] {
  return diagnostics.flatMap((diagnostic) => {
    const fix = diagnostic.source === 'dqdl' ? fixOf(document, diagnostic) : null
    if (fix === null) return []
    const { title, edits } = fix
    return [
      {
        title,
        kind: CodeActionKind.QuickFix,
        diagnostics: [diagnostic],
        isPreferred: true,
        edit: { changes: { [document.uri]: edits } },
      },
    ]
  })
}
