import { readFileSync, writeFileSync } from 'node:fs'
import type { Contract } from '../../core/contract.ts'
import { printPlace } from '../../core/errors.ts'
import { parseContract } from '../../core/parse-contract.ts'
import { type Finding, lintRuleset } from '../../dqdl/lint.ts'
import { parseRuleset } from '../../dqdl/parse.ts'
import { printRuleset } from '../../dqdl/print.ts'
import { translateRuleset } from '../../dqdl/spark-sql.ts'
import type { Invocation } from '../main.ts'
import { CommandError, EXIT, type ExitCode } from '../output.ts'
import { requireFile } from '../upload.ts'

function readContract(file: string | undefined): Contract | undefined {
  if (file === undefined) return undefined
  requireFile(file)
  const parsed = parseContract(readFileSync(file, 'utf8'), file)
  if (parsed.ok) return parsed.value
  const [first] = parsed.problems
  throw new CommandError(
    EXIT.wrongUse,
    first?.code ?? 'invalid_contract',
    `${printPlace(first?.where ?? { file })}: ${first?.message ?? 'is no contract'}`,
  )
}

/** `sluice dq lint FILE…` */
export async function dqLint(
  { output }: Invocation,
  files: readonly string[],
  options: { contract?: string },
): Promise<ExitCode> {
  const contract = readContract(options.contract)
  const findings: (Finding & { readonly file: string })[] = []
  for (const file of files) {
    requireFile(file)
    const text = readFileSync(file, 'utf8')
    const { ruleset } = parseRuleset(text)
    const translations = ruleset === null ? undefined : await translateRuleset(ruleset)
    for (const finding of lintRuleset(text, {
      ...(contract === undefined ? {} : { contract }),
      ...(translations === undefined ? {} : { translations }),
    }))
      findings.push({ file, ...finding })
  }
  output.result(findings, () =>
    findings.length === 0
      ? `${files.length} ${files.length === 1 ? 'ruleset is' : 'rulesets are'} fine`
      : findings
          .map(
            ({ file, line, column, severity, code, message }) =>
              `${file}:${line}:${column}: ${severity}: ${message} [${code}]`,
          )
          .join('\n'),
  )
  return findings.some((finding) => finding.severity === 'error') ? EXIT.wrongUse : EXIT.done
}

/** `sluice dq fmt FILE…`: the canonical form, on stdout or in place. */
export async function dqFmt(
  { output }: Invocation,
  files: readonly string[],
  options: { write?: boolean },
): Promise<ExitCode> {
  const printed = files.map((file) => {
    requireFile(file)
    const { ruleset, problems } = parseRuleset(readFileSync(file, 'utf8'))
    const [problem] = problems
    if (ruleset === null || problem !== undefined) {
      throw new CommandError(
        EXIT.wrongUse,
        problem?.code ?? 'invalid_ruleset',
        `${file}:${problem?.at.line}:${problem?.at.column}: ${problem?.message}`,
      )
    }
    return { file, text: printRuleset(ruleset) }
  })
  if (options.write === true) for (const { file, text } of printed) writeFileSync(file, text)
  output.result(printed, () => (options.write === true ? '' : printed.map(({ text }) => text.trimEnd()).join('\n')))
  return EXIT.done
}
