import { messageOf } from '../core/errors.ts'
import type { JobId } from '../core/identifiers.ts'
import { isJsonObject } from '../core/json.ts'
import { isReasonCode } from '../core/reason-codes.ts'
import type { SourceVersion } from '../core/source.ts'
import { checkAgainstSchema, type FileProblem } from '../core/yaml-document.ts'
import {
  DEFAULT_CONCURRENCY,
  MAX_MANIFEST_BYTES,
  MAX_OVERRIDE_BYTES,
  MAX_SOURCES,
  type ReplayConfiguration,
  type ReplayManifest,
  type ReplayOptions,
  type ReplaySelection,
  type ReplayTarget,
} from './manifest.ts'
import schema from './manifest.v1.schema.json' with { type: 'json' }
import { boundsProblem } from './manifest-bounds.ts'

/** What is wrong with a manifest, by JSON path. */
export interface ManifestProblem {
  /** Such as `$.select.tenant`. */
  readonly field: string
  readonly message: string
  readonly expected: string
  readonly found: string
}

export type ParsedManifest =
  | { readonly ok: true; readonly manifest: ReplayManifest }
  /** `replayId` where the text names one that can be used. */
  | { readonly ok: false; readonly replayId: string | null; readonly problems: readonly ManifestProblem[] }

/** Problems that are told; a manifest with thousands has one cause. */
export const PROBLEMS_TOLD = 20

/** The file's form, after the schema accepted it. */
interface ManifestFile {
  readonly replayId: string
  readonly reason: string
  readonly requestedBy: string
  readonly configuration: ReplayConfiguration
  readonly sources?: readonly SourceVersion[]
  readonly jobs?: readonly string[]
  readonly select?: Partial<Record<keyof ReplaySelection, string>>
  readonly options?: Partial<Omit<ReplayOptions, 'confirm'>> & { readonly confirm?: number }
}

const problem = (field: string, message: string, expected: string, found: string): ManifestProblem => ({
  field,
  message,
  expected,
  found,
})

const TARGETS = ['sources', 'jobs', 'select'] as const

const fieldOf = ({ where }: FileProblem): string =>
  `$${(where.path ?? '/')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')}`

/** Items of a list that are looked at together: a list of thousands that are all wrong is told by its first ones. */
const WINDOW = 200

/** What the schema says, without its remarks on the choice of target, which {@link targetProblems} words better. */
function windowProblems(value: unknown): readonly ManifestProblem[] {
  const place = (path: readonly (string | number)[]) => ({ path: `/${path.join('/')}` })
  return checkAgainstSchema({ value, problems: [], place }, schema)
    .filter(({ expected }) => !TARGETS.some((name) => expected === `key "${name}"`))
    .map((one) => problem(fieldOf(one), one.message, one.expected ?? 'another value', one.found ?? 'nothing'))
}

/** The part of a document that has the items of its lists from this one on. */
const windowOf = (value: Record<string, unknown>, from: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const isList = (name === 'sources' || name === 'jobs') && Array.isArray(member) && member.length > WINDOW
      // The shorter of two lists is not at fault for having ended.
      return [name, isList ? member.slice(Math.min(from, member.length - 1), from + WINDOW) : member]
    }),
  )

/** What the schema says of the first part of the document that it does not accept. */
function schemaProblems(value: Record<string, unknown>): readonly ManifestProblem[] {
  const lengths = [value.sources, value.jobs].map((list) => (Array.isArray(list) ? list.length : 0))
  for (let from = 0; from === 0 || from < Math.max(...lengths); from += WINDOW) {
    const problems = windowProblems(windowOf(value, from))
    const shifted = (field: string): string =>
      field.replace(
        /^(\$\.(?:sources|jobs))\[(\d+)\]/,
        (_, name: string, index: string) => `${name}[${Number(index) + from}]`,
      )
    if (problems.length > 0) return problems.map((one) => ({ ...one, field: shifted(one.field) }))
  }
  return []
}

function targetProblems(value: Record<string, unknown>): readonly ManifestProblem[] {
  const given = TARGETS.filter((name) => value[name] !== undefined)
  if (given.length === 1) return []
  const found = given.length === 0 ? 'none of them' : given.join(' and ')
  return [
    problem('$', `A manifest names what to replay once: found ${found}`, `exactly one of ${TARGETS.join(', ')}`, found),
  ]
}

const sourceText = ({ bucket, key, versionId }: SourceVersion): string => JSON.stringify([bucket, key, versionId])

/** The second mention of anything that must be named once. */
function repeated(field: string, texts: readonly string[]): readonly ManifestProblem[] {
  const first = new Map<string, number>()
  return texts.flatMap((text, index) => {
    const before = first.get(text)
    if (before === undefined) {
      first.set(text, index)
      return []
    }
    return [problem(`${field}[${index}]`, `Named twice: it is ${field}[${before}] too`, 'each once', text)]
  })
}

const utcOf = (text: string | undefined): string | null =>
  text === undefined ? null : new Date(Date.parse(text)).toISOString()

function selectProblems({ landedFrom, landedTo, reasonCode }: NonNullable<ManifestFile['select']>) {
  const times = Object.entries({ landedFrom, landedTo }).filter(([, text]) => text !== undefined)
  const noTimes = times.filter(([, text]) => Number.isNaN(Date.parse(text ?? '')))
  const found = noTimes.map(([name, text]) =>
    problem(`$.select.${name}`, 'There is no such time', 'a time of the calendar', String(text)),
  )
  if (reasonCode !== undefined && !isReasonCode(reasonCode))
    found.push(problem('$.select.reasonCode', 'There is no such reason', 'a code of docs/reason-codes.md', reasonCode))
  if (noTimes.length === 0 && landedFrom !== undefined && landedTo !== undefined)
    if (Date.parse(landedFrom) >= Date.parse(landedTo))
      found.push(problem('$.select.landedTo', 'The time ends before it begins', `a time after ${landedFrom}`, landedTo))
  return found
}

/** What no schema can say. */
function meaningProblems(file: ManifestFile): readonly ManifestProblem[] {
  const { sources = [], jobs = [], select = {}, options = {} } = file
  const contradiction =
    options.force === true && options.skipIfPublished === true
      ? [problem('$.options', 'force publishes again what skipIfPublished skips', 'one of the two', 'both')]
      : []
  const overrideBytes = Buffer.byteLength((options.overrideGate ?? []).join(''))
  const tooLong =
    overrideBytes > MAX_OVERRIDE_BYTES
      ? [
          problem(
            '$.options.overrideGate',
            'The rules are too long to go with every event of a job',
            `at most ${MAX_OVERRIDE_BYTES} bytes together`,
            `${overrideBytes} bytes`,
          ),
        ]
      : []
  return [
    ...tooLong,
    ...repeated('$.sources', sources.map(sourceText)),
    ...repeated('$.jobs', jobs),
    ...selectProblems(select),
    ...contradiction,
  ]
}

function targetOf({ sources, jobs, select }: ManifestFile): ReplayTarget {
  if (sources !== undefined) return { kind: 'sources', sources }
  // The schema holds every job to the pattern of ids.
  if (jobs !== undefined) return { kind: 'jobs', jobs: jobs as readonly JobId[] }
  const { tenant = null, dataset = null, landedFrom, landedTo, status = null, ...rest } = select ?? {}
  const { reasonCode = null, keyPrefix = null } = rest
  const times = { landedFrom: utcOf(landedFrom), landedTo: utcOf(landedTo) }
  return { kind: 'select', select: { tenant, dataset, ...times, status, reasonCode, keyPrefix } }
}

const optionsOf = ({ options = {} }: ManifestFile): ReplayOptions => ({
  dryRun: options.dryRun ?? false,
  force: options.force ?? false,
  skipIfPublished: options.skipIfPublished ?? options.force !== true,
  maxConcurrency: options.maxConcurrency ?? DEFAULT_CONCURRENCY,
  maxSources: options.maxSources ?? MAX_SOURCES,
  confirm: options.confirm ?? null,
  acceptRejects: options.acceptRejects ?? false,
  overrideGate: options.overrideGate ?? [],
})

const manifestOf = (file: ManifestFile): ReplayManifest => ({
  replayId: file.replayId,
  reason: file.reason,
  requestedBy: file.requestedBy,
  target: targetOf(file),
  configuration: file.configuration,
  options: optionsOf(file),
})

const refusal = (value: unknown, problems: readonly ManifestProblem[]): ParsedManifest => {
  const id = isJsonObject(value) && typeof value.replayId === 'string' ? value.replayId : ''
  const usable = new RegExp(schema.properties.replayId.pattern).test(id)
  return { ok: false, replayId: usable ? id : null, problems: problems.slice(0, PROBLEMS_TOLD) }
}

function jsonOf(bytes: Uint8Array): { value: unknown } | ManifestProblem {
  if (bytes.byteLength > MAX_MANIFEST_BYTES)
    return problem('$', 'The manifest is too large', `at most ${MAX_MANIFEST_BYTES} bytes`, `${bytes.byteLength} bytes`)
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown }
  } catch (thrown) {
    return problem('$', `The manifest is not JSON: ${messageOf(thrown)}`, 'a JSON document in UTF-8', 'other bytes')
  }
}

/** Reads the bytes of a manifest: accepted whole, or refused whole with every field that is wrong. Never throws. */
export function parseManifest(bytes: Uint8Array): ParsedManifest {
  const json = jsonOf(bytes)
  if ('field' in json) return refusal(null, [json])
  const { value } = json
  if (!isJsonObject(value)) {
    const found = value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`
    return refusal(value, [problem('$', 'A manifest is an object', 'a JSON object', found)])
  }
  const bounds = boundsProblem(value)
  if (bounds !== null) return refusal(value, [problem(bounds.path, bounds.message, bounds.expected, bounds.found)])
  const form = [...targetProblems(value), ...schemaProblems(value)]
  if (form.length > 0) return refusal(value, form)
  // The schema accepted every member, so the document has this form.
  const file = value as unknown as ManifestFile
  const meaning = meaningProblems(file)
  return meaning.length > 0 ? refusal(value, meaning) : { ok: true, manifest: manifestOf(file) }
}
