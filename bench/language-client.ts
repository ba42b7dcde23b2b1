import { type ChildProcess, spawn } from 'node:child_process'
import {
  type CodeAction,
  CodeActionRequest,
  type CompletionItem,
  CompletionRequest,
  createProtocolConnection,
  type Diagnostic,
  DidChangeTextDocumentNotification,
  DidOpenTextDocumentNotification,
  DocumentFormattingRequest,
  ExitNotification,
  type Hover,
  HoverRequest,
  InitializedNotification,
  InitializeRequest,
  type InitializeResult,
  type ProtocolConnection,
  PublishDiagnosticsNotification,
  type Range,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type TextEdit,
} from 'vscode-languageserver/node'
import { TextDocument } from 'vscode-languageserver-textdocument'

export interface Published {
  readonly version: number
  readonly diagnostics: readonly Diagnostic[]
}

/** An editor: it speaks the protocol with `sluice dq language-server` over its standard input and output. */
export class LanguageClient {
  readonly #process: ChildProcess
  readonly #connection: ProtocolConnection
  readonly #published = new Map<string, Published>()
  readonly #waiting: {
    readonly uri: string
    readonly accepts: (published: Published) => boolean
    readonly resolve: () => void
  }[] = []
  readonly #documents = new Map<string, TextDocument>()
  readonly exited: Promise<number | null>

  constructor(args: readonly string[] = []) {
    const child = spawn(process.execPath, ['cli/bin/sluice.mjs', 'dq', 'language-server', '--stdio', ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#process = child
    this.exited = new Promise((resolve) => {
      child.once('exit', (code) => {
        this.#connection.dispose()
        resolve(code)
      })
    })
    this.#connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    )
    this.#connection.onNotification(PublishDiagnosticsNotification.type, ({ uri, version = 0, diagnostics }) => {
      this.#published.set(uri, { version, diagnostics })
      for (const [index, { uri: wanted, accepts, resolve }] of [...this.#waiting.entries()].reverse())
        if (wanted === uri && accepts({ version, diagnostics })) {
          this.#waiting.splice(index, 1)
          resolve()
        }
    })
    this.#connection.listen()
  }

  async initialize(): Promise<InitializeResult> {
    const capabilities = { textDocument: { completion: { completionItem: { snippetSupport: true } } } }
    const result = await this.#connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: null,
      capabilities,
    })
    await this.#connection.sendNotification(InitializedNotification.type, {})
    return result
  }

  /** Opens a text. @returns what is found in it */
  async open(uri: string, text: string): Promise<readonly Diagnostic[]> {
    this.#documents.set(uri, TextDocument.create(uri, 'dqdl', 1, text))
    const next = this.#next(uri, 1)
    await this.#connection.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId: 'dqdl', version: 1, text },
    })
    return next
  }

  /** Types something in place of a range. @returns what is found then */
  async type(uri: string, range: Range, text: string): Promise<readonly Diagnostic[]> {
    const document = this.#document(uri)
    const version = document.version + 1
    this.#documents.set(uri, TextDocument.update(document, [{ range, text }], version))
    const next = this.#next(uri, version)
    await this.#connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version },
      contentChanges: [{ range, text }],
    })
    return next
  }

  /** What is published next, or was already, that a condition holds for. */
  async until(uri: string, accepts: (diagnostics: readonly Diagnostic[]) => boolean): Promise<readonly Diagnostic[]> {
    const last = this.#published.get(uri)
    if (last === undefined || !accepts(last.diagnostics))
      await new Promise<void>((resolve) => {
        this.#waiting.push({ uri, accepts: ({ diagnostics }) => accepts(diagnostics), resolve })
      })
    return this.#published.get(uri)?.diagnostics ?? []
  }

  async #next(uri: string, version: number): Promise<readonly Diagnostic[]> {
    await new Promise<void>((resolve) => {
      this.#waiting.push({ uri, accepts: (published) => published.version === version, resolve })
    })
    return this.#published.get(uri)?.diagnostics ?? []
  }

  #document(uri: string): TextDocument {
    const document = this.#documents.get(uri)
    if (document === undefined) throw new RangeError(`${uri} is not open`)
    return document
  }
  text(uri: string): string {
    return this.#document(uri).getText()
  }

  async complete(uri: string, line: number, character: number): Promise<readonly CompletionItem[]> {
    const result = await this.#connection.sendRequest(CompletionRequest.type, {
      textDocument: { uri },
      position: { line, character },
    })
    return Array.isArray(result) ? result : (result?.items ?? [])
  }
  hover(uri: string, line: number, character: number): Promise<Hover | null> {
    return this.#connection.sendRequest(HoverRequest.type, { textDocument: { uri }, position: { line, character } })
  }

  /** The text as the server formats it. */
  async format(uri: string): Promise<string> {
    const options = { tabSize: 2, insertSpaces: true }
    const edits = await this.#connection.sendRequest(DocumentFormattingRequest.type, { textDocument: { uri }, options })
    return TextDocument.applyEdits(this.#document(uri), edits ?? [])
  }

  async codeActions(uri: string, diagnostics: readonly Diagnostic[]): Promise<readonly CodeAction[]> {
    const [first] = diagnostics
    if (first === undefined) return []
    const params = { textDocument: { uri }, range: first.range, context: { diagnostics: [...diagnostics] } }
    const actions = await this.#connection.sendRequest(CodeActionRequest.type, params)
    return (actions ?? []).filter((action): action is CodeAction => 'edit' in action)
  }
  /** The text after a fix. */
  fixed(uri: string, action: CodeAction | undefined): string {
    const edits: readonly TextEdit[] = action?.edit?.changes?.[uri] ?? []
    return TextDocument.applyEdits(this.#document(uri), [...edits])
  }

  /** Ends the server as an editor does. @returns its exit code */
  async close(): Promise<number | null> {
    await this.#connection.sendRequest(ShutdownRequest.type)
    return this.exit()
  }
  /** Ends the server; an editor asks it to shut down first. @returns its exit code */
  async exit(): Promise<number | null> {
    await this.#connection.sendNotification(ExitNotification.type)
    return this.exited
  }
  kill(): void {
    this.#process.kill()
  }
}
