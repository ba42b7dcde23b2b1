import type { Declaration } from './declaration.ts'

/** `sluice replay …` */
export const REPLAY_COMMANDS: readonly Declaration[] = [
  {
    usage: 'plan <manifest>',
    summary: 'what would happen to each source; writes nothing anywhere',
    example: 'sluice replay plan october.json --diff',
    options: [
      ['--backtest', 'run every source for real in a scratch area that is deleted, and tell what would change'],
      ['--diff', 'and the first rows that differ from the table'],
      ['--rows <n>', 'how many of them for each source', '5'],
      ['--with <dir>', "under the contracts/ and dq-rules/ of a folder, in place of the deployment's"],
    ],
    load: async () => (await import('./commands/replay.ts')).replayPlan,
  },
  {
    usage: 'run <manifest>',
    summary: 'drop the manifest in the replay bucket and follow the replay to its end',
    example: 'sluice replay run october.json',
    options: [['--no-wait', 'answer once the manifest is dropped']],
    load: async () => (await import('./commands/replay.ts')).replayRun,
  },
  {
    usage: 'jobs <jobs...>',
    summary: 'run jobs that failed again, as they were: makes the manifest that names them, drops it and follows it',
    example: "sluice replay jobs j0123456789abcdef01234567 --why 'the warehouse is back'",
    options: [
      ['--why <text>', 'for the audit', 'Run again after it failed'],
      ['--by <who>', 'who decides (default: the user of this machine)'],
      ['--confirm <n>', 'the number of jobs, needed above 100 of them'],
      ['--no-wait', 'answer once the manifest is dropped'],
    ],
    load: async () => (await import('./commands/replay.ts')).replayJobs,
  },
  {
    usage: 'status <manifest>',
    summary: 'how far a replay and each of its sources is, by manifest or id',
    example: 'sluice replay status orders-october-2026',
    load: async () => (await import('./commands/replay.ts')).replayStatus,
  },
]
