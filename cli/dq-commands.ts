import type { Declaration } from './declaration.ts'

/** `sluice dq …` */
export const DQ_COMMANDS: readonly Declaration[] = [
  {
    usage: 'run',
    summary: 'evaluate a ruleset on a Parquet, CSV or JSON-lines file',
    example: 'sluice dq run --rules dq-rules/orders.dqdl --data orders.parquet',
    options: [
      ['--rules <file>', 'the DQDL ruleset'],
      ['--data <file>', 'the rows'],
      ['--reference <alias=file>...', 'another data source, by its alias; may be repeated'],
      ['--history <dir>', 'folder of earlier results, read and appended for dynamic rules'],
      ['--failures <file>', 'write every failing row with all rules it broke, as Parquet'],
      ['--junit <file>', 'write the verdicts as JUnit XML, for CI systems'],
      ['--html <file>', 'write one self-contained page: verdicts, metrics over history, distributions'],
      ['--explain', 'and which rules share a scan, with the number of scans'],
    ],
    load: async () => (await import('./commands/dq.ts')).dqRun,
  },
  {
    usage: 'test [files...]',
    summary: 'run the unit tests beside rulesets (default: all of dq-rules/)',
    example: 'sluice dq test dq-rules/orders.tests.yaml',
    load: async () => (await import('./commands/dq-test.ts')).dqTest,
  },
  {
    usage: 'suggest',
    summary: 'profile data and propose rules that hold on it',
    example: 'sluice dq suggest --data orders.parquet --contract contracts/orders.yaml > dq-rules/orders.dqdl',
    options: [
      ['--data <file>', 'the rows: Parquet, CSV or JSON lines'],
      ['--contract <file>', 'the contract of the dataset: rules keep to its columns and try its key'],
    ],
    load: async () => (await import('./commands/dq-suggest.ts')).dqSuggest,
  },
  {
    usage: 'backtest',
    summary:
      'what a changed ruleset would have said of past jobs: what it would have stopped, what it would have passed',
    example: 'sluice dq backtest --rules dq-rules/orders.dqdl --tenant acme',
    options: [
      ['--rules <file>', 'the changed ruleset'],
      ['--dataset <name>', 'whose jobs (default: the name of the ruleset file)'],
      ['--tenant <id>', 'of one tenant'],
      ['--limit <n>', 'how many jobs, the newest', '50'],
      ['--reference <alias=file>...', 'another data source, by its alias; may be repeated'],
    ],
    load: async () => (await import('./commands/dq-backtest.ts')).dqBacktest,
  },
  {
    usage: 'lint <files...>',
    summary: 'check rulesets, against their contract where one is given',
    example: 'sluice dq lint dq-rules/orders.dqdl --contract contracts/orders.yaml',
    options: [['--contract <file>', 'the contract of the dataset']],
    load: async () => (await import('./commands/dq.ts')).dqLint,
  },
  {
    usage: 'fmt <files...>',
    summary: 'print rulesets in their canonical form',
    example: 'sluice dq fmt --check dq-rules/*.dqdl',
    options: [
      ['--write', 'write the files in place, and print the names of those that changed'],
      ['--check', 'write nothing; exit with 1 when a file is not in the canonical form'],
    ],
    load: async () => (await import('./commands/dq.ts')).dqFmt,
  },
  {
    usage: 'explain <rule>',
    summary: 'what a rule checks, how NULL counts, its metrics and its SQL',
    example: `sluice dq explain 'IsUnique "order_id"' --contract contracts/orders.yaml`,
    options: [['--contract <file>', 'the contract of the dataset, for the types of its columns']],
    load: async () => (await import('./commands/dq.ts')).dqExplain,
  },
  {
    usage: 'language-server',
    summary: 'diagnostics, completion, hover, formatting and fixes for editors, by the Language Server Protocol',
    example: 'sluice dq language-server --stdio',
    options: [
      ['--stdio', 'speak on standard input and output; there is no other way'],
      ['--contract <file>', 'contract of every ruleset (default: contracts/NAME.yaml near NAME.dqdl)'],
    ],
    load: async () => (await import('./commands/dq-language-server.ts')).dqLanguageServer,
  },
]
