import { MAX_SOURCES } from '../replay/manifest.ts'
import type { Declaration } from './declaration.ts'

const QUARANTINE_FILTER = [
  ['--tenant <id>', 'of one tenant'],
  ['--dataset <name>', 'of one dataset'],
  ['--reason <code>', 'with one reason code'],
  ['--since <time>', 'quarantined at or after a day or time'],
  ['--until <time>', 'quarantined before a day or time'],
] as const
const BY_OPTION = ['--by <who>', 'who decides (default: the user of this machine)'] as const

/** `sluice quarantine …` */
export const QUARANTINE_COMMANDS: readonly Declaration[] = [
  {
    usage: 'list',
    summary: 'what waits, with counts by reason',
    example: 'sluice quarantine list --tenant acme --reason too_many_rejects',
    options: [
      ...QUARANTINE_FILTER,
      ['--status <status>', 'open, released, discarded, superseded or all', 'open'],
      ['--limit <n>', 'how many', '50'],
    ],
    load: async () => (await import('./commands/quarantine.ts')).quarantineList,
  },
  {
    usage: 'show <job>',
    summary: 'why one file waits: first errors, what changed since, whether a replay can help',
    example: 'sluice quarantine show j0123456789abcdef01234567',
    load: async () => (await import('./commands/quarantine.ts')).quarantineShow,
  },
  {
    usage: 'release [jobs...]',
    summary: 'run quarantined files again: drops a manifest in the replay bucket, nothing else',
    example: "sluice quarantine release j0123456789abcdef01234567 --why 'the mapping is mended'",
    options: [
      ...QUARANTINE_FILTER,
      ['--why <text>', 'for the audit', 'Released from quarantine'],
      BY_OPTION,
      ['--configuration <which>', 'current, or original: what the job had pinned', 'current'],
      ['--accept-rejects', 'load what fits, though more rows are rejects than the contract tolerates'],
      ['--override-gate <rule>...', 'a quality rule, by name or text, that may fail; may be repeated'],
      ['--dry-run', 'report what would happen'],
      ['--confirm <n>', 'the number of files, needed above 100 of them'],
      ['--limit <n>', 'the newest n that fit the filter', `${MAX_SOURCES}`],
    ],
    load: async () => (await import('./commands/quarantine-release.ts')).quarantineRelease,
  },
  {
    usage: 'mappings',
    summary: 'how often each mapping met rows and files that it could not map, by day',
    example: 'sluice quarantine mappings --tenant acme --since 2026-11-01',
    options: QUARANTINE_FILTER.filter(([flag]) => !flag.startsWith('--reason')),
    load: async () => (await import('./commands/quarantine.ts')).quarantineMappings,
  },
  {
    usage: 'discard <job>',
    summary: 'give a quarantined file up; nothing is deleted',
    example: "sluice quarantine discard j0123456789abcdef01234567 --why 'a test file'",
    options: [['--why <text>', 'for the audit'], BY_OPTION],
    load: async () => (await import('./commands/quarantine.ts')).quarantineDiscard,
  },
]
