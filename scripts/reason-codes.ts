import { readFileSync, writeFileSync } from 'node:fs'
import { REASONS } from '../core/reason-codes.ts'

/** Writes docs/reason-codes.md from the one enum; `--check` fails when the file differs. */
const FILE = 'docs/reason-codes.md'
const REPLAY = {
  after_configuration_change: 'after a change of contract, mapping, rules or tenant',
  as_it_is: 'yes, as it is',
  no: 'no',
} as const

export const printReasonCodes = (): string =>
  [
    '# Reason codes',
    '',
    'Why a job did not end `COMPLETED`. Generated from `core/reason-codes.ts` by `npm run docs:reason-codes`.',
    'The exit code is that of `sluice ingest` and `sluice job`.',
    '',
    '| code | stage | status | exit code | can a replay help | meaning |',
    '|---|---|---|---|---|---|',
    ...Object.entries(REASONS).map(
      ([code, reason]) =>
        `| \`${code}\` | ${reason.stage} | ${reason.status} | ${reason.exitCode} | ${REPLAY[reason.replay]} | ${reason.meaning} |`,
    ),
    '',
  ].join('\n')

if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== printReasonCodes()) {
    process.stderr.write(`${FILE} is not what core/reason-codes.ts says: run npm run docs:reason-codes\n`)
    process.exitCode = 1
  }
} else writeFileSync(FILE, printReasonCodes())
