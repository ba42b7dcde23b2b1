import { basename } from 'node:path'
import { readableFile } from '../../dqdl/data-file.ts'
import { printSuggested, suggestRules } from '../../dqdl/suggest/suggest.ts'
import { readContract } from '../contract-file.ts'
import type { Invocation } from '../invocation.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { withQualityEngine } from '../quality-engine.ts'
import { requireFile } from '../upload.ts'

/** `sluice dq suggest`: a ruleset that holds on the data, on stdout, so that it can be kept in a file. */
export async function dqSuggest(
  { output }: Invocation,
  { data, contract }: { data?: string; contract?: string },
): Promise<ExitCode> {
  if (data === undefined)
    throw new CommandError(EXIT.wrongUse, 'missing_option', 'Option --data is needed', 'sluice dq suggest --data FILE')
  requireFile(data)
  const known = contract === undefined ? null : readContract(contract)
  const suggested = await withQualityEngine(async (engine) => {
    const file = await readableFile(data, engine)
    const named = known === null ? null : { columns: known.columns.map(({ name }) => name), key: known.key }
    return suggestRules({ ...file, contract: named, now: new Date() }, engine)
  })
  const text = printSuggested(suggested, basename(data))
  output.result({ ...suggested, ruleset: text }, () => text.trimEnd())
  return EXIT.done
}
