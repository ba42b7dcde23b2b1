import { seeded } from '../e2e/seeded.ts'

/** A text that may be a manifest, and the field that its refusal must name; `null` where it is to be accepted. */
export interface FuzzedManifest {
  readonly text: string
  readonly field: string | null
}

type Draft = Record<string, unknown>
type Random = () => number

function pick<T>(random: Random, items: readonly T[]): T {
  const picked = items[Math.floor(random() * items.length)]
  if (picked === undefined) throw new RangeError('There is nothing to pick from')
  return picked
}
const textOf = (random: Random, length: number): string =>
  Array.from({ length }, () => String.fromCodePoint(97 + Math.floor(random() * 26))).join('')
const hex = (random: Random): string =>
  Array.from({ length: 24 }, () => Math.floor(random() * 16).toString(16)).join('')
const time = (random: Random): string => new Date(Math.floor(random() * 4e12)).toISOString()
const maybe = (random: Random, draft: Draft): Draft => (random() < 0.5 ? draft : {})

const source = (random: Random): Draft => ({
  bucket: `bucket-${textOf(random, 5)}`,
  key: `landing/${textOf(random, 4)}/${textOf(random, 5)}/${textOf(random, 8)} ü#%.csv`,
  versionId: textOf(random, 32),
})

function target(random: Random): Draft {
  const many = <T>(make: (random: Random) => T) =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => make(random))
  switch (pick(random, ['sources', 'jobs', 'select'])) {
    case 'sources':
      return { sources: many(source) }
    case 'jobs':
      return { jobs: many(() => `j${hex(random)}`) }
    default:
      return {
        select: {
          tenant: textOf(random, 6),
          ...maybe(random, { dataset: 'orders' }),
          ...maybe(random, { status: pick(random, ['COMPLETED', 'QUARANTINED', 'FAILED']) }),
          ...maybe(random, { reasonCode: pick(random, ['gate_failed', 'too_many_rejects', 'load_failed']) }),
          ...maybe(random, { keyPrefix: 'landing/' }),
          ...maybe(random, { landedFrom: time(random) }),
        },
      }
  }
}

function valid(random: Random): Draft {
  const force = random() < 0.3
  return {
    replayId: `r-${textOf(random, 3 + Math.floor(random() * 20))}`,
    reason: pick(random, ['late fix', 'ü', 'a "quoted" reason\nof two lines']),
    requestedBy: 'ops@example.com',
    configuration: pick(random, ['original', 'current']),
    ...target(random),
    ...maybe(random, {
      options: {
        ...maybe(random, { dryRun: random() < 0.5 }),
        ...maybe(random, { force }),
        ...(force ? {} : maybe(random, { skipIfPublished: random() < 0.5 })),
        ...maybe(random, { maxConcurrency: 1 + Math.floor(random() * 200) }),
        ...maybe(random, { maxSources: 1 + Math.floor(random() * 20_000) }),
        ...maybe(random, { confirm: Math.floor(random() * 1000) }),
        ...maybe(random, { acceptRejects: true }),
        ...maybe(random, { overrideGate: ['Rule_1', 'RowCount > 0'] }),
      },
    }),
  }
}

const objectAt = (draft: Draft, name: string): Draft => {
  const value = draft[name]
  return typeof value === 'object' && value !== null ? { ...value } : {}
}

interface Fault {
  readonly field: string
  readonly spoil: (draft: Draft, random: Random) => unknown
}

const without = (draft: Draft, ...names: readonly string[]): Draft =>
  Object.fromEntries(Object.entries(draft).filter(([name]) => !names.includes(name)))
const option = (name: string, value: unknown): Fault => ({
  field: `$.options.${name}`,
  spoil: (draft) => ({ ...draft, options: { ...objectAt(draft, 'options'), [name]: value } }),
})
const selecting = (name: string, value: unknown): Fault => ({
  field: `$.select.${name}`,
  spoil: (draft) => ({ ...without(draft, 'sources', 'jobs'), select: { tenant: 'acme', [name]: value } }),
})
const member = (name: string, value: unknown): Fault => ({
  field: `$.${name}`,
  spoil: (draft) => ({ ...draft, [name]: value }),
})
const sourced = (field: string, sources: unknown): Fault => ({
  field,
  spoil: (draft) => ({ ...without(draft, 'select', 'jobs'), sources }),
})
const GOOD = { bucket: 'raw', key: 'landing/a', versionId: 'v' }

const FAULTS: readonly Fault[] = [
  ...['replayId', 'reason', 'requestedBy', 'configuration'].flatMap((name): Fault[] => [
    { field: '$', spoil: (draft) => without(draft, name) },
    member(name, null),
    member(name, 7),
    member(name, ''),
  ]),
  member('replayId', 'No Such Id'),
  member('replayId', '../../escape'),
  member('replayId', 'x'.repeat(49)),
  member('configuration', 'orginal'),
  member('reason', 'x'.repeat(1001)),
  member('unheard', 1),
  { field: '$', spoil: (draft) => without(draft, 'sources', 'jobs', 'select') },
  { field: '$', spoil: (draft) => ({ ...draft, jobs: ['j'.padEnd(25, '0')], select: { tenant: 'acme' } }) },
  sourced('$.sources', []),
  sourced('$.sources', 'all'),
  sourced('$.sources[0]', ['landing/a']),
  sourced('$.sources[0]', [{ bucket: 'raw', key: 'landing/a' }]),
  sourced('$.sources[0].versionId', [{ ...GOOD, versionId: '' }]),
  sourced('$.sources[0].key', [{ ...GOOD, key: 7 }]),
  sourced('$.sources[0].version', [{ ...GOOD, version: 'v' }]),
  sourced('$.sources[1]', [GOOD, GOOD]),
  ...[[], ['x'], [7], 'j'].map(
    (jobs): Fault => ({
      field: Array.isArray(jobs) && jobs.length > 0 ? '$.jobs[0]' : '$.jobs',
      spoil: (draft) => ({ ...without(draft, 'select', 'sources'), jobs }),
    }),
  ),
  selecting('tenant', 'Not A Tenant'),
  selecting('status', 'DONE'),
  selecting('reasonCode', 'no_such_reason'),
  selecting('landedFrom', 'yesterday'),
  selecting('landedFrom', '2026-13-45T00:00:00Z'),
  selecting('landedTo', '2026-01-01T00:00:00'),
  selecting('tenent', 'acme'),
  {
    field: '$.select.landedTo',
    spoil: (draft) => ({
      ...without(draft, 'sources', 'jobs'),
      select: { landedFrom: '2026-01-02T00:00:00Z', landedTo: '2026-01-01T00:00:00Z' },
    }),
  },
  option('dryRun', 'yes'),
  option('force', 1),
  option('maxConcurrency', 0),
  option('maxConcurrency', 1.5),
  option('maxConcurrency', 100_000),
  option('maxSources', 0),
  option('confirm', -1),
  option('overrideGate', []),
  option('overrideGate', ['a', 'a']),
  option('skipIfPublishd', true),
  { field: '$.options', spoil: (draft) => ({ ...draft, options: { force: true, skipIfPublished: true } }) },
  { field: '$.options', spoil: (draft) => ({ ...draft, options: [] }) },
  ...[null, [], 'manifest', 7, true].map((value): Fault => ({ field: '$', spoil: () => value })),
]

/** Cuts or dirties the text itself, so that it is no JSON any more. */
function brokenText(text: string, random: Random): string {
  const at = Math.floor(random() * (text.length - 1))
  return pick(random, [text.slice(0, at), `${text}}`, text.replace('{', '{,'), `\u0000${text}`, `${text}\n${text}`])
}

/** Manifests of which each is good, or wrong in one known way. */
export function* fuzzedManifests(count: number, seed: number): Generator<FuzzedManifest> {
  const random = seeded(seed)
  for (let index = 0; index < count; index += 1) {
    const draft = valid(random)
    const kind = random()
    if (kind < 0.3) yield { text: JSON.stringify(draft, null, kind < 0.15 ? 2 : 0), field: null }
    else if (kind < 0.45) yield { text: brokenText(JSON.stringify(draft), random), field: '$' }
    else {
      const { field, spoil } = pick(random, FAULTS)
      yield { text: JSON.stringify(spoil(draft, random)), field }
    }
  }
}
