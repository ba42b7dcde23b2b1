import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Contract } from '../../core/contract.ts'
import { digestOf } from '../../core/digest.ts'
import type { JobId } from '../../core/identifiers.ts'
import type { Mapping } from '../../core/mapping.ts'
import { parseContract } from '../../core/parse-contract.ts'
import { parseMapping } from '../../core/parse-mapping.ts'
import type { RunManifest, RunSummary } from '../../core/run-documents.ts'
import type { QualityPlan } from '../../dqdl/quality-plan.ts'
import { COMPILER_VERSION, compilePlan, type SampleFacts } from '../../glue/compile-plan.ts'
import { type EngineSettings, openDuckdb } from '../../glue/duckdb.ts'
import { runTransform } from '../../glue/executor.ts'
import type { ObjectAccess } from '../../glue/object-access.ts'
import type { Plan } from '../../glue/plan.ts'
import type { Program } from '../../glue/program.ts'
import { text } from '../../glue/sql/literals.ts'

/** Objects as files of a folder, one sub-folder a bucket; remembers the order of writes. */
export class FolderObjects implements ObjectAccess {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-glue-'))
  readonly written: string[] = []

  path(uri: string): string {
    return join(this.folder, uri.slice('s3://'.length))
  }

  async readText(uri: string): Promise<string> {
    return readFileSync(this.path(uri), 'utf8')
  }

  async localPath(uri: string): Promise<string> {
    return this.path(uri)
  }

  async putFile(uri: string, localPath: string): Promise<number> {
    mkdirSync(dirname(this.path(uri)), { recursive: true })
    renameSync(localPath, this.path(uri))
    this.written.push(uri)
    return statSync(this.path(uri)).size
  }

  async putText(uri: string, content: string): Promise<void> {
    mkdirSync(dirname(this.path(uri)), { recursive: true })
    writeFileSync(this.path(uri), content)
    this.written.push(uri)
  }
}

const parsed = <T>(result: { ok: true; value: T } | { ok: false; problems: unknown }): T => {
  if (result.ok) return result.value
  throw new Error(JSON.stringify(result.problems))
}

export const contractOf = (yaml: string): Contract => parsed(parseContract(yaml, 'contract.yaml'))
export const mappingOf = (yaml: string): Mapping => parsed(parseMapping(yaml, 'mapping.yaml'))
export const readContract = (dataset: string): Contract => contractOf(readFileSync(`contracts/${dataset}.yaml`, 'utf8'))
export const readMapping = (tenant: string, dataset: string): Mapping =>
  mappingOf(readFileSync(`contracts/mappings/${tenant}.${dataset}.yaml`, 'utf8'))

/** One rule that always passes: what a ruleset is to an executor. */
export const QUALITY: QualityPlan = {
  qualityPlanVersion: 1,
  rulesetHash: digestOf('rules'),
  rules: [{ index: 0, name: 'Rule_1', text: 'RowCount > 0', severity: 'gate', labels: {} }],
  setup: [
    'CREATE OR REPLACE TEMP TABLE sluice_verdicts (rule_index INTEGER, result VARCHAR, metrics VARCHAR, message VARCHAR, evaluated_rule VARCHAR)',
  ],
  statements: [
    {
      sql: "INSERT INTO sluice_verdicts SELECT 0, CASE WHEN count(*) > 0 THEN 'PASS' ELSE 'FAIL' END, NULL, NULL, NULL FROM sluice_data",
      rules: [0],
    },
  ],
  resultDocument: "SELECT CAST(to_json({'RuleResults': (SELECT list(result) FROM sluice_verdicts)}) AS VARCHAR)",
  verdictDocument:
    "SELECT CAST(to_json({'gate': (SELECT any_value(result) FROM sluice_verdicts), 'result': {'bucket': '{resultBucket}', 'key': '{resultKey}'}}) AS VARCHAR)",
}

export const JOB_ID = `j${'0'.repeat(24)}` as JobId
export const RUN_ID = `${JOB_ID}-1-0`

export interface Case {
  readonly contract: Contract
  readonly mapping: Mapping
  readonly content: string | Uint8Array
  /** Without it: the first line split by the mapping's delimiter. */
  readonly header?: readonly string[]
  readonly sample?: Partial<SampleFacts>
  readonly name?: string
  /** What the event says, where it should not be the length of the content. */
  readonly sizeBytes?: number
  /** How much text of a large input is taken at a time. */
  readonly segmentBytes?: number
  /** What is run in place of the printed program. */
  readonly program?: (printed: Program) => Program
}

const headerOf = ({ content, mapping }: Case): readonly string[] => {
  const [first = ''] = Buffer.from(content)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
  return first.split(mapping.input.delimiter).map((column) => column.replace(/^"(.*)"$/, '$1'))
}

export const planOf = (given: Case): Plan =>
  compilePlan({
    contract: given.contract,
    mapping: given.mapping,
    quality: QUALITY,
    pinned: {
      configurationHash: 'c',
      contract: { version: given.contract.version, hash: digestOf('c') },
      mapping: { version: given.mapping.version, hash: digestOf('m') },
      ruleset: { hash: digestOf('r') },
      compilerVersion: COMPILER_VERSION,
    },
    job: {
      jobId: JOB_ID,
      tenantId: given.mapping.tenantId,
      dataset: given.contract.dataset,
      registeredAt: '2026-01-02T03:04:05.678Z',
      ingestDate: '2026-01-02',
      replayId: null,
    },
    source: {
      bucket: 'raw',
      key: `landing/${given.mapping.tenantId}/${given.contract.dataset}/${given.name ?? 'file.csv'}`,
      versionId: 'v1',
      sizeBytes: given.sizeBytes ?? given.content.length,
      etag: 'e',
      sequencer: '0055AED6DCD90281E5',
      landedAt: '2026-01-02T03:04:00.000Z',
    },
    sample: { header: given.header ?? headerOf(given), encoding: 'utf-8', compression: 'none', ...given.sample },
    buckets: { validated: 'validated', curated: 'curated', work: 'work-zone', dqResults: 'dq-results' },
  })

export const SETTINGS: EngineSettings = { threads: 2, memoryLimitBytes: 400 << 20, tempDirectory: tmpdir() }

export interface RanCase {
  readonly summary: RunSummary
  readonly objects: FolderObjects
  readonly plan: Plan
  /** Rows of the curated file as JSON values, in file order. */
  curated(columns?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  rejects(columns?: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  manifest(): RunManifest
}

async function readParquet(path: string, columns: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  if (!existsSync(path)) return []
  const engine = await openDuckdb(SETTINGS)
  try {
    await engine.run("SET TimeZone = 'UTC'")
    const rows = await engine.rows(
      `SELECT CAST(to_json(r) AS VARCHAR) AS r FROM (SELECT ${columns} FROM read_parquet(${text(path)})) r`,
    )
    return rows.map(({ r }) => JSON.parse(String(r)))
  } finally {
    engine.close()
  }
}

/** Compiles and runs a file end to end on the in-process executor. */
export async function runCase(given: Case, runId = RUN_ID, objects = new FolderObjects()): Promise<RanCase> {
  const printed = planOf(given)
  const plan = { ...printed, program: given.program?.(printed.program) ?? printed.program }
  const [read] = plan.reads
  const source = objects.path(`s3://${read?.bucket}/${read?.key}`)
  mkdirSync(dirname(source), { recursive: true })
  writeFileSync(source, given.content)
  await objects.putText('s3://work-zone/plans/plan.json', JSON.stringify(plan))
  const summary = await runTransform(
    { planUri: 's3://work-zone/plans/plan.json', runId },
    {
      objects,
      openDuckdb,
      now: () => performance.now(),
      settings: given.segmentBytes === undefined ? SETTINGS : { ...SETTINGS, segmentBytes: given.segmentBytes },
    },
  )
  const file = (name: 'curated' | 'rejects'): string =>
    objects.path(`${plan.destinations[name].replaceAll('{runId}', runId)}part-00000.parquet`)
  return {
    summary,
    objects,
    plan,
    curated: (columns = '*') => readParquet(file('curated'), columns),
    rejects: (columns = '*') => readParquet(file('rejects'), columns),
    manifest: () =>
      JSON.parse(readFileSync(objects.path(plan.destinations.manifest.replaceAll('{runId}', runId)), 'utf8')),
  }
}
