import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ExtensionContext, workspace } from 'vscode'
import { LanguageClient, TransportKind } from 'vscode-languageclient/node'

let client: LanguageClient | null = null

const windows = process.platform === 'win32'

/** What the settings name, else the workspace's own command, else the one on the path. */
function sluiceCommand(configured: string): string {
  if (configured !== '') return configured
  const name = windows ? 'sluice.cmd' : 'sluice'
  const own = (workspace.workspaceFolders ?? []).map(({ uri }) => join(uri.fsPath, 'node_modules', '.bin', name))
  return own.find((file) => existsSync(file)) ?? name
}

/** Starts the language server of `sluice` for DQDL files. */
export async function activate(context: ExtensionContext): Promise<void> {
  const settings = workspace.getConfiguration('dqdl')
  const contract = settings.get('contract', '')
  client = new LanguageClient(
    'dqdl',
    'DQDL',
    {
      command: sluiceCommand(settings.get('command', '')),
      args: ['dq', 'language-server', ...(contract === '' ? [] : ['--contract', contract])],
      transport: TransportKind.stdio,
      options: { shell: windows },
    },
    { documentSelector: [{ language: 'dqdl' }] },
  )
  context.subscriptions.push(client)
  await client.start()
}

export const deactivate = async (): Promise<void> => {
  await client?.stop()
}
