import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createConnection } from 'vscode-languageserver/node'
import type { Contract } from '../../core/contract.ts'
import { parseContract } from '../../core/parse-contract.ts'
import { serveDqdl } from '../../dqdl/language-server/server.ts'
import type { Invocation } from '../invocation.ts'
import type { ExitCode } from '../output.ts'
import { requireFile } from '../upload.ts'

const SQL_DELAY_MILLIS = 250

/** `contracts/orders.yaml` for `dq-rules/orders.dqdl`, in the nearest folder above that has one. */
function contractFileOf(rulesFile: string): string | null {
  const name = `${basename(rulesFile).replace(/\.[^.]*$/, '')}.yaml`
  for (let folder = dirname(rulesFile); ; folder = dirname(folder)) {
    const file = join(folder, 'contracts', name)
    if (existsSync(file)) return file
    if (folder === dirname(folder)) return null
  }
}

/** A contract that has problems is as none: `sluice check` says what they are. */
function readContract(file: string | null): Contract | null {
  if (file === null) return null
  const parsed = parseContract(readFileSync(file, 'utf8'), file)
  return parsed.ok ? parsed.value : null
}

/** `sluice dq language-server --stdio`: speaks the Language Server Protocol until the editor ends it; never returns. */
export function dqLanguageServer(_invocation: Invocation, { contract }: { contract?: string }): Promise<ExitCode> {
  if (contract !== undefined) requireFile(contract)
  const connection = createConnection(process.stdin, process.stdout)
  serveDqdl(connection, {
    version: '0.1.0',
    contractOf: (uri) =>
      readContract(contract ?? (uri.startsWith('file:') ? contractFileOf(fileURLToPath(uri)) : null)),
    now: () => new Date(),
    sqlDelayMillis: SQL_DELAY_MILLIS,
  })
  // The connection ends the process itself, on `exit` or when its input ends: with 0 after a `shutdown`, with 1 without.
  return new Promise(() => undefined)
}
