import { Command, CommanderError } from 'commander'
import type { Declaration, Run } from './declaration.ts'
import { DQ_COMMANDS } from './dq-commands.ts'
import type { Invocation } from './invocation.ts'
import { CommandError, createOutput, EXIT, type ExitCode, reportError } from './output.ts'
import { QUARANTINE_COMMANDS } from './quarantine-commands.ts'
import { REPLAY_COMMANDS } from './replay-commands.ts'

const program = new Command('sluice')
let exitCode: ExitCode = EXIT.done

/** Runs a lazily imported command and turns what it throws into the documented error and exit code. */
const running =
  (load: () => Promise<Run>) =>
  async (...parameters: unknown[]): Promise<void> => {
    const command = parameters.at(-1) as Command
    const options = command.optsWithGlobals() as { json?: boolean; state?: string }
    const output = createOutput(options.json === true, process.env)
    try {
      const run = (await load()) as (invocation: Invocation, ...args: unknown[]) => Promise<ExitCode>
      const invocation = { output, state: options.state ?? null, environment: process.env, directory: process.cwd() }
      exitCode = await run(invocation, ...parameters.slice(0, -2), options)
    } catch (thrown) {
      exitCode = reportError(thrown, output)
    }
  }

const JSON_OPTION = ['--json', 'print one JSON document on stdout and nothing else there'] as const
const STATE_OPTION = ['--state <dir>', 'state folder of the runtime (default: .sluice in the current folder)'] as const

function declare(parent: Command, { usage, summary, example, options = [], load }: Declaration): void {
  const command = parent.command(usage).description(summary)
  for (const [flags, description, fallback] of options) {
    if (flags.endsWith('...'))
      command.option(flags, description, (value: string, earlier: string[] = []) => [...earlier, value])
    else command.option(flags, description, fallback)
  }
  command
    .option(...JSON_OPTION)
    .option(...STATE_OPTION)
    .addHelpText('after', `\nExample:\n  ${example}`)
    .showSuggestionAfterError(true)
    .exitOverride()
    .action(running(load))
}

/** A command that only holds others. */
const group = (name: string, description: string, example: string): Command =>
  program
    .command(name)
    .description(description)
    .option(...JSON_OPTION)
    .option(...STATE_OPTION)
    .addHelpText('after', `\nExample:\n  ${example}`)
    .showSuggestionAfterError(true)
    .exitOverride()

program
  .description('Files that tenants drop in S3 become data that analysts can trust.')
  .version('0.1.0')
  .option(...JSON_OPTION)
  .option(...STATE_OPTION)
  .showSuggestionAfterError(true)
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(`sluice: ${text.replace(/^error: /, '')}`) })
  .addHelpText('after', '\nExample:\n  sluice up --json &\n  sluice ingest orders.csv --tenant acme --dataset orders')

declare(program, {
  usage: 'up',
  summary: 'run the deployed template on this machine until interrupted',
  example: 'sluice up --port 4566',
  options: [
    ['--port <number>', 'port of the endpoint; 0 takes a free one', '4566'],
    ['--assembly <dir>', 'cloud assembly to run', 'cdk.out'],
    ['--engine <name>', 'embedded, or spark to run the real Glue scripts', 'embedded'],
    ['--database <url>', 'a PostgreSQL server in place of the embedded one'],
  ],
  load: async () => (await import('./commands/up.ts')).up,
})
declare(program, {
  usage: 'env',
  summary: 'print the AWS variables of the running runtime',
  example: 'eval "$(sluice env)"',
  load: async () => (await import('./commands/env.ts')).env,
})
declare(program, {
  usage: 'status',
  summary: 'what is deployed and what is running',
  example: 'sluice status --json',
  load: async () => (await import('./commands/status.ts')).status,
})
declare(program, {
  usage: 'ingest <file>',
  summary: 'upload a file and follow its job to the end',
  example: 'sluice ingest orders.csv --tenant acme --dataset orders',
  options: [
    ['--tenant <id>', 'whose data it is'],
    ['--dataset <name>', 'which contract it fits'],
    ['--name <name>', "last part of the key (default: the file's own name)"],
    ['--no-wait', 'answer once the upload is accepted'],
  ],
  load: async () => (await import('./commands/ingest.ts')).ingest,
})
declare(program, {
  usage: 'jobs',
  summary: 'jobs, newest first',
  example: 'sluice jobs --tenant acme --status QUARANTINED',
  options: [
    ['--tenant <id>', 'of one tenant'],
    ['--status <status>', 'PENDING, PROCESSING, COMPLETED, QUARANTINED, FAILED or SKIPPED'],
    ['--limit <n>', 'how many, up to 10000', '50'],
  ],
  load: async () => (await import('./commands/jobs.ts')).jobs,
})
declare(program, {
  usage: 'score',
  summary: "a tenant's quality score over a window of time, by dataset",
  example: 'sluice score --tenant acme --since 2026-03-01',
  options: [
    ['--tenant <id>', 'whose jobs'],
    ['--since <time>', 'jobs that ended at or after it (UTC)'],
    ['--until <time>', 'jobs that ended before it (UTC)'],
  ],
  load: async () => (await import('./commands/score.ts')).score,
})
declare(program, {
  usage: 'job <id>',
  summary: 'one job: stages, counts, quality, errors, objects',
  example: 'sluice job j0123456789abcdef01234567 --errors errors.csv',
  options: [['--errors <file>', 'write every error of its rejected rows as CSV']],
  load: async () => (await import('./commands/jobs.ts')).job,
})
declare(program, {
  usage: 'query <sql>',
  summary: 'read-only SQL on the analyst views',
  example: "sluice query 'select count(*) from orders' --tenant acme",
  options: [['--tenant <id>', "as that tenant's analyst (default: the operator, over all tenants)"]],
  load: async () => (await import('./commands/query.ts')).query,
})
declare(program, {
  usage: 'check',
  summary: 'check every contract, mapping, ruleset and definition, across files',
  example: 'sluice check',
  load: async () => (await import('./commands/check.ts')).check,
})
const SMOKE_OPTIONS = [
  ['--files <dir>', 'folder of files {tenant}.{dataset}.{suffix}', 'smoke'],
  ['--contracts <dir>', 'folder of contracts, with the mappings that the files are read by', 'contracts'],
] as const
declare(program, {
  usage: 'smoke',
  summary: 'a small file of every dataset through the deployed workflow; 1 where one did not load whole',
  example: 'sluice smoke --json',
  options: [...SMOKE_OPTIONS, ['--machine-version <n>', 'through this version of the ingest machine, too']],
  load: async () => (await import('./commands/smoke.ts')).smoke,
})
declare(program, {
  usage: 'promote',
  summary: 'make a version of the ingest machine live, only if the smoke files pass through it',
  example: 'sluice promote --weight 10',
  options: [
    ...SMOKE_OPTIONS,
    ['--machine-version <n>', 'which version (default: the newest)'],
    ['--weight <percent>', 'share of new executions that it gets', '100'],
  ],
  load: async () => (await import('./commands/smoke.ts')).promote,
})
declare(program, {
  usage: 'reset',
  summary: 'empty the state folder',
  example: 'sluice reset --yes',
  options: [['--yes', 'do not ask']],
  load: async () => (await import('./commands/reset.ts')).reset,
})
declare(program, {
  usage: 'doctor',
  summary: 'what is missing or wrong on this machine',
  example: 'sluice doctor',
  load: async () => (await import('./commands/doctor.ts')).doctor,
})
declare(program, {
  usage: 'demo',
  summary: 'good files of two tenants and every way to fail, from drop to query',
  example: 'sluice demo',
  options: [['--assembly <dir>', 'cloud assembly to run', 'cdk.out']],
  load: async () => (await import('./commands/demo.ts')).demo,
})

const tenant = group('tenant', 'tenants', 'sluice tenant create acme')
for (const [usage, summary] of [
  ['create <id>', 'register a tenant'],
  ['suspend <id>', 'refuse files of a tenant'],
  ['resume <id>', 'accept files of a suspended tenant'],
  ['list', 'all tenants'],
] as const) {
  const verb = usage.split(' ')[0] ?? usage
  declare(tenant, {
    usage,
    summary,
    example: `sluice tenant ${usage.replace('<id>', 'acme')}`,
    load: async () => (await import('./commands/tenant.ts')).tenantCommand(verb),
  })
}

declare(program, {
  usage: 'executions [id]',
  summary: 'executions of the state machines, newest first; with an id (or a job’s) one as a tree of its states',
  example: 'sluice executions --machine ingest --status FAILED',
  options: [
    ['--machine <name>', 'of one state machine'],
    ['--status <status>', 'RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED or PENDING_REDRIVE'],
    ['--limit <n>', 'how many, up to 10000', '50'],
    ['--data', 'with the input and output of each state'],
    ['--follow', 'each state as it ends, until the execution has'],
  ],
  load: async () => (await import('./commands/executions.ts')).executions,
})
declare(program, {
  usage: 'trace <job>',
  summary: 'all that one job caused, over services, in order',
  example: 'sluice trace j0123456789abcdef01234567',
  load: async () => (await import('./commands/trace.ts')).trace,
})

const iam = group('iam', 'permissions of the deployed roles', 'sluice iam report --role sluice-ingest')
declare(iam, {
  usage: 'report',
  summary: 'what is granted to roles and was never used, as far as the runtime of the state folder saw',
  example: 'sluice iam report --role sluice-ingest',
  options: [['--role <name>', 'of one role']],
  load: async () => (await import('./commands/iam-report.ts')).iamReport,
})

const contract = group('contract', 'contracts of datasets', 'sluice contract diff orders.v1.yaml contracts/orders.yaml')
declare(contract, {
  usage: 'diff <older> <newer>',
  summary: 'what a change of contract means, with the warehouse statements it needs; 1 where they differ',
  example: 'sluice contract diff orders.v1.yaml contracts/orders.yaml',
  load: async () => (await import('./commands/contract.ts')).contractDiff,
})

const quarantine = group('quarantine', 'files that must not proceed', 'sluice quarantine list --tenant acme')
for (const declaration of QUARANTINE_COMMANDS) declare(quarantine, declaration)

const replay = group('replay', 'running past files again', 'sluice replay plan replay/examples/one-file.json')
for (const declaration of REPLAY_COMMANDS) declare(replay, declaration)

const dq = group('dq', 'quality rules', 'sluice dq lint dq-rules/orders.dqdl --contract contracts/orders.yaml')
for (const declaration of DQ_COMMANDS) declare(dq, declaration)

/** The documented error of a command line that cannot be read; the nearest match is its hint. */
function wrongUse({ code, message }: CommanderError): CommandError {
  if (code === 'commander.help')
    return new CommandError(EXIT.wrongUse, 'missing_command', 'A command is needed', 'List them with: sluice --help')
  const [text = '', nearest] = message.replace(/^error: /, '').split(/\n\((.*)\)$/s)
  return new CommandError(EXIT.wrongUse, 'wrong_use', text, nearest)
}

/** SQL may begin with a comment, which is no option. */
const withoutCommentsAsOptions = (args: readonly string[]): string[] =>
  args.map((arg) => (/^--\s/.test(arg) ? ` ${arg}` : arg))

try {
  await program.parseAsync(withoutCommentsAsOptions(process.argv))
} catch (thrown) {
  if (!(thrown instanceof CommanderError)) throw thrown
  exitCode = thrown.exitCode === 0 ? EXIT.done : EXIT.wrongUse
  if (exitCode !== EXIT.done && process.argv.includes('--json'))
    reportError(wrongUse(thrown), createOutput(true, process.env))
}
process.exitCode = exitCode
