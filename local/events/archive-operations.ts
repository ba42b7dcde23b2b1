/** Archives and replays by calls. */
import type { JsonObject } from '../../core/json.ts'
import { type Input, readInput } from '../input.ts'
import { pageOf } from '../paging.ts'
import { AwsError, type Clock, type Operation } from '../service.ts'
import type { ArchiveRecord, Archives, ReplayRecord } from './archives.ts'

export interface ArchiveOperationsContext {
  readonly archives: Archives
  readonly clock: Clock
  readonly accountId: string
  readonly region: string
  /** @throws AwsError `ResourceNotFoundException` */
  readonly assertBus: (name: string) => void
  /** @throws AwsError `InvalidEventPatternException` */
  readonly patternOf: (text: string) => JsonObject
}

const PAGING = { limit: 'Limit', size: 100, invalidToken: 'ValidationException' }
const nextToken = (next: string | undefined): { NextToken?: string } => (next === undefined ? {} : { NextToken: next })

/** CreateArchive, StartReplay and their kin. */
export function archiveOperations(context: ArchiveOperationsContext): Record<string, Operation> {
  const { region, accountId } = context
  const arnOf = (kind: 'archive' | 'replay', name: string): string =>
    `arn:aws:events:${region}:${accountId}:${kind}/${name}`
  const on = (kind: 'archive' | 'replay', action: string, run: (input: Input) => unknown): Operation => {
    const member = kind === 'archive' ? 'ArchiveName' : 'ReplayName'
    return {
      permissions: (raw) => [{ action: `events:${action}`, resource: arnOf(kind, readInput(raw).textOr(member, '*')) }],
      run: async (raw) => (await run(readInput(raw))) ?? {},
    }
  }
  return {
    CreateArchive: on('archive', 'CreateArchive', (input) =>
      createArchive(context, input, arnOf('archive', input.text('ArchiveName'))),
    ),
    UpdateArchive: on('archive', 'UpdateArchive', async (input) => {
      const former = context.archives.get(input.text('ArchiveName'))
      const changed = { ...former, ...settingsOf(context, input, former) }
      await context.archives.put(changed)
      return created(changed)
    }),
    DeleteArchive: on('archive', 'DeleteArchive', (input) =>
      context.archives.remove(context.archives.get(input.text('ArchiveName')).name),
    ),
    DescribeArchive: on('archive', 'DescribeArchive', (input) => {
      const archive = context.archives.get(input.text('ArchiveName'))
      const { eventPattern } = archive
      return {
        ...listedArchive(context, archive),
        ArchiveArn: archive.arn,
        Description: archive.description,
        ...(eventPattern === null ? {} : { EventPattern: JSON.stringify(eventPattern) }),
      }
    }),
    ListArchives: on('archive', 'ListArchives', (input) => {
      const source = input.textOr('EventSourceArn', null)
      const wanted = context.archives
        .all()
        .filter(
          ({ name, busName }) =>
            name.startsWith(input.textOr('NamePrefix', '')) && (source === null || busArn(context, busName) === source),
        )
      const { page, next } = pageOf(wanted, input, PAGING)
      return { Archives: page.map((archive) => listedArchive(context, archive)), ...nextToken(next) }
    }),
    StartReplay: on('replay', 'StartReplay', (input) =>
      startReplay(context, input, arnOf('replay', input.text('ReplayName'))),
    ),
    DescribeReplay: on('replay', 'DescribeReplay', (input) => {
      const replay = context.archives.replay(input.text('ReplayName'))
      return {
        ...listedReplay(context, replay),
        ReplayArn: replay.arn,
        Description: replay.description,
        Destination: { Arn: busArn(context, replay.busName), FilterArns: replay.ruleArns },
      }
    }),
    ListReplays: on('replay', 'ListReplays', (input) => {
      const wanted = context.archives.replays().filter(({ name }) => name.startsWith(input.textOr('NamePrefix', '')))
      const { page, next } = pageOf(wanted, input, PAGING)
      return { Replays: page.map((replay) => listedReplay(context, replay)), ...nextToken(next) }
    }),
    CancelReplay: on('replay', 'CancelReplay', async (input) => {
      const replay = await context.archives.cancel(input.text('ReplayName'))
      return { ReplayArn: replay.arn, State: replay.state, StateReason: replay.stateReason }
    }),
  }
}

const busArn = ({ region, accountId }: ArchiveOperationsContext, name: string): string =>
  `arn:aws:events:${region}:${accountId}:event-bus/${name}`

const settingsOf = (
  { patternOf }: ArchiveOperationsContext,
  input: Input,
  former: Pick<ArchiveRecord, 'description' | 'eventPattern' | 'retentionDays'>,
) => ({
  description: input.textOr('Description', former.description),
  retentionDays: input.numberOr('RetentionDays', former.retentionDays),
  eventPattern: input.has('EventPattern') ? patternOf(input.text('EventPattern')) : former.eventPattern,
})

const NAME = /^[.\-_A-Za-z0-9]{1,48}$/

async function createArchive(context: ArchiveOperationsContext, input: Input, arn: string): Promise<unknown> {
  const name = input.text('ArchiveName')
  const busName = input.text('EventSourceArn').split('/').at(-1) ?? ''
  if (!NAME.test(name))
    throw new AwsError('ValidationException', `Value '${name}' at 'archiveName' failed to satisfy constraint`)
  if (context.archives.find(name) !== undefined)
    throw new AwsError('ResourceAlreadyExistsException', `Archive ${name} already exists.`)
  context.assertBus(busName)
  const archive: ArchiveRecord = {
    name,
    arn,
    busName,
    ...settingsOf(context, input, { description: '', eventPattern: null, retentionDays: 0 }),
    createdAtMillis: context.clock.now().getTime(),
    eventCount: 0,
    sizeBytes: 0,
  }
  await context.archives.put(archive)
  return created(archive)
}

const created = ({ arn, createdAtMillis }: ArchiveRecord): Record<string, unknown> => ({
  ArchiveArn: arn,
  State: 'ENABLED',
  CreationTime: new Date(createdAtMillis),
})

const listedArchive = (context: ArchiveOperationsContext, archive: ArchiveRecord): Record<string, unknown> => ({
  ArchiveName: archive.name,
  EventSourceArn: busArn(context, archive.busName),
  State: 'ENABLED',
  RetentionDays: archive.retentionDays,
  SizeBytes: archive.sizeBytes,
  EventCount: archive.eventCount,
  CreationTime: new Date(archive.createdAtMillis),
})

async function startReplay(context: ArchiveOperationsContext, input: Input, arn: string): Promise<unknown> {
  const name = input.text('ReplayName')
  const archive = context.archives.get(input.text('EventSourceArn').split('/').at(-1) ?? '')
  const destination = input.structure('Destination')
  const [from, to] = [input.dateOr('EventStartTime', null), input.dateOr('EventEndTime', null)]
  if (context.archives.replays().some((replay) => replay.name === name))
    throw new AwsError('ResourceAlreadyExistsException', `Replay ${name} already exists.`)
  if (destination.text('Arn') !== busArn(context, archive.busName))
    throw new AwsError(
      'ValidationException',
      'Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.',
    )
  if (from === null || to === null || from >= to)
    throw new AwsError(
      'ValidationException',
      'Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime.',
    )
  const startedAtMillis = context.clock.now().getTime()
  await context.archives.start({
    name,
    arn,
    archiveName: archive.name,
    busName: archive.busName,
    description: input.textOr('Description', ''),
    ruleArns: destination.list('FilterArns').map(String),
    fromMillis: from.getTime(),
    toMillis: to.getTime(),
    state: 'STARTING',
    stateReason: '',
    startedAtMillis,
    endedAtMillis: null,
    lastEventMillis: null,
  })
  return { ReplayArn: arn, State: 'STARTING', ReplayStartTime: new Date(startedAtMillis) }
}

const listedReplay = (
  { region, accountId }: ArchiveOperationsContext,
  replay: ReplayRecord,
): Record<string, unknown> => ({
  ReplayName: replay.name,
  EventSourceArn: `arn:aws:events:${region}:${accountId}:archive/${replay.archiveName}`,
  State: replay.state,
  ...(replay.stateReason === '' ? {} : { StateReason: replay.stateReason }),
  EventStartTime: new Date(replay.fromMillis),
  EventEndTime: new Date(replay.toMillis),
  ...(replay.lastEventMillis === null ? {} : { EventLastReplayedTime: new Date(replay.lastEventMillis) }),
  ReplayStartTime: new Date(replay.startedAtMillis),
  ...(replay.endedAtMillis === null ? {} : { ReplayEndTime: new Date(replay.endedAtMillis) }),
})
