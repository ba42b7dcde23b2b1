import type { Contract } from '../../core/contract.ts'
import { type ContractChange, contractChanges, worstOf } from '../../core/contract-changes.ts'
import { type ContractStatements, contractStatements } from '../../warehouse/contract-statements.ts'
import { readContract } from '../contract-file.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { columns } from '../table.ts'

const QUESTION: Readonly<Record<keyof ContractStatements, string>> = {
  deployment: 'The next deployment sends to the warehouse:',
  operator: 'To be sent before it, by an operator:',
  rebuild: 'No statement does this; build the table anew and replay its sources:',
}

function print(changes: readonly ContractChange[], statements: ContractStatements): string {
  if (changes.length === 0) return 'The two contracts say the same.'
  const table = columns(
    [
      ['CLASS', 'WHERE', 'WAS', 'NOW', 'MEANING'],
      ...changes.map(({ class: kind, path, was, now, meaning }) => [kind, path, was ?? '-', now ?? '-', meaning]),
    ],
    ['left', 'left', 'left', 'left', 'left'],
  )
  const parts = (['deployment', 'operator', 'rebuild'] as const).flatMap((part) =>
    statements[part].length === 0
      ? []
      : ['', QUESTION[part], ...statements[part].map((sql) => `  ${sql}${part === 'rebuild' ? '' : ';'}`)],
  )
  return [table, ...parts].join('\n')
}

function requireSameDataset(was: Contract, now: Contract, file: string): void {
  if (was.dataset === now.dataset) return
  throw new CommandError(
    EXIT.wrongUse,
    'other_dataset',
    `Cannot compare contracts of two datasets: expected "${was.dataset}", found "${now.dataset}"`,
    'Name two versions of one contract, the older one first',
    { file, path: 'dataset' },
  )
}

/** `sluice contract diff A B`: ends with 1 where the two differ. */
export async function contractDiff({ output }: Invocation, older: string, newer: string): Promise<ExitCode> {
  const [was, now] = [readContract(older), readContract(newer)]
  requireSameDataset(was, now, newer)
  const changes = contractChanges(was, now)
  const statements = contractStatements(was, now)
  const versionRaised = changes.length === 0 || now.version > was.version
  if (!versionRaised)
    output.note(
      `sluice: the contract changed and its version did not rise (${was.version} to ${now.version}): raise "version" in ${newer}`,
    )
  output.result(
    {
      dataset: now.dataset,
      versions: { was: was.version, now: now.version, raised: versionRaised },
      class: worstOf(changes),
      changes,
      statements,
    },
    () => print(changes, statements),
  )
  return changes.length === 0 ? EXIT.done : EXIT.no
}
