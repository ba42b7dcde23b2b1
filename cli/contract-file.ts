import { readFileSync } from 'node:fs'
import type { Contract } from '../core/contract.ts'
import { parseContract } from '../core/parse-contract.ts'
import { CommandError, EXIT } from './output.ts'
import { requireFile } from './upload.ts'

/** The contract in a file. @throws CommandError with the first problem of a file that holds none */
export function readContract(file: string): Contract {
  requireFile(file)
  const parsed = parseContract(readFileSync(file, 'utf8'), file)
  if (parsed.ok) return parsed.value
  const [first] = parsed.problems
  const { code = 'invalid_contract', message = 'is no contract', where = { file } } = first ?? {}
  throw new CommandError(EXIT.wrongUse, code, message, undefined, where)
}
