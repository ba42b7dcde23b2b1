import {
  CodeActionKind,
  type Connection,
  type InitializeResult,
  TextDocumentSyncKind,
  TextDocuments,
  type TextEdit,
} from 'vscode-languageserver'
import { TextDocument } from 'vscode-languageserver-textdocument'
import type { Contract } from '../../core/contract.ts'
import { formatRuleset } from '../format.ts'
import { codeActionsFor } from './code-actions.ts'
import { completionsAt } from './completion.ts'
import { diagnosticsOf } from './diagnostics.ts'
import { hoverAt } from './hover.ts'
import { RulesetSession } from './session.ts'

export interface LanguageServerOptions {
  readonly version: string
  /** The contract of a ruleset by its URI; read again when a document is opened or saved. */
  readonly contractOf: (uri: string) => Contract | null
  readonly now: () => Date
  /** Milliseconds without an edit after which SQL in rules is read. */
  readonly sqlDelayMillis: number
}

const CAPABILITIES: InitializeResult['capabilities'] = {
  textDocumentSync: { openClose: true, change: TextDocumentSyncKind.Incremental, save: true },
  completionProvider: { triggerCharacters: ['"', '$', '[', '('] },
  hoverProvider: true,
  documentFormattingProvider: true,
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
}

/** The open documents, their sessions, and what was found in them. */
class Server {
  readonly #connection: Connection
  readonly #options: LanguageServerOptions
  readonly #documents = new TextDocuments(TextDocument)
  readonly #sessions = new Map<string, RulesetSession>()
  readonly #timers = new Map<string, NodeJS.Timeout>()
  #snippets = false

  constructor(connection: Connection, options: LanguageServerOptions) {
    this.#connection = connection
    this.#options = options
  }

  listen(): void {
    const connection = this.#connection
    connection.onInitialize(({ capabilities }) => {
      this.#snippets = capabilities.textDocument?.completion?.completionItem?.snippetSupport === true
      return { capabilities: CAPABILITIES, serverInfo: { name: 'sluice-dqdl', version: this.#options.version } }
    })
    this.#listenToDocuments()
    connection.onCompletion(({ textDocument, position }) =>
      this.#of(textDocument.uri, [], (document, session) => {
        const { ruleset } = session.parsed(document)
        const scope = { ruleset, contract: session.contract, snippets: this.#snippets }
        return [...completionsAt(document, document.offsetAt(position), scope)]
      }),
    )
    connection.onHover(({ textDocument, position }) =>
      this.#of(textDocument.uri, null, (document, session) => {
        const { ruleset } = session.parsed(document)
        return hoverAt(document, document.offsetAt(position), ruleset, session.contract, this.#options.now())
      }),
    )
    connection.onDocumentFormatting(({ textDocument }) =>
      this.#of(textDocument.uri, [], (document, session) => [...this.#format(document, session)]),
    )
    connection.onCodeAction(({ textDocument, context }) =>
      this.#of(textDocument.uri, [], (document) => [...codeActionsFor(document, context.diagnostics)]),
    )
    this.#documents.listen(connection)
    connection.listen()
  }

  #listenToDocuments(): void {
    this.#documents.onDidOpen(({ document }) => this.#readContract(document))
    this.#documents.onDidSave(({ document }) => {
      this.#readContract(document)
      this.#publish(document)
    })
    this.#documents.onDidChangeContent(({ document }) => {
      this.#publish(document)
      this.#readSqlLater(document)
    })
    this.#documents.onDidClose(({ document: { uri } }) => {
      clearTimeout(this.#timers.get(uri))
      this.#timers.delete(uri)
      this.#sessions.delete(uri)
      void this.#connection.sendDiagnostics({ uri, diagnostics: [] })
    })
  }

  #of<T>(uri: string, otherwise: T, answer: (document: TextDocument, session: RulesetSession) => T): T {
    const document = this.#documents.get(uri)
    return document === undefined ? otherwise : answer(document, this.#session(uri))
  }

  #session(uri: string): RulesetSession {
    const session = this.#sessions.get(uri) ?? new RulesetSession()
    this.#sessions.set(uri, session)
    return session
  }

  #readContract({ uri }: TextDocument): void {
    this.#session(uri).contract = this.#options.contractOf(uri)
  }

  #publish(document: TextDocument): void {
    const { uri, version } = document
    const diagnostics = [...diagnosticsOf(document, this.#session(uri).findings(document))]
    void this.#connection.sendDiagnostics({ uri, version, diagnostics })
  }

  #readSqlLater(document: TextDocument): void {
    const { uri, version } = document
    clearTimeout(this.#timers.get(uri))
    const isCurrent = (): boolean => this.#documents.get(uri)?.version === version
    const read = async (): Promise<void> => {
      const found = await this.#session(uri).readSql(document, isCurrent)
      if (found && isCurrent()) this.#publish(document)
    }
    const timer = setTimeout(() => {
      read().catch((thrown: unknown) => this.#connection.console.error(`Cannot read SQL: ${String(thrown)}`))
    }, this.#options.sqlDelayMillis)
    this.#timers.set(uri, timer)
  }

  #format(document: TextDocument, session: RulesetSession): readonly TextEdit[] {
    const text = document.getText()
    const formatted = formatRuleset(text, session.parsed(document))
    if (formatted === null || formatted === text) return []
    const end = document.positionAt(text.length)
    return [{ range: { start: { line: 0, character: 0 }, end }, newText: formatted }]
  }
}

/** Serves DQDL to an editor over a connection until the editor ends it. */
export const serveDqdl = (connection: Connection, options: LanguageServerOptions): void =>
  new Server(connection, options).listen()
