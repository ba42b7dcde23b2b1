import { type Digest, digestOf } from '../../../core/digest.ts'
import { SluiceError } from '../../../core/errors.ts'
import { isJsonObject } from '../../../core/json.ts'
import { type AuditDocument, auditKey, MAX_MANIFEST_BYTES, resultKeyOf } from '../../../replay/manifest.ts'
import type { ReplayReport } from '../../../replay/report.ts'
import type { ObjectPointer } from '../../messages.ts'
import type { ObjectStore } from '../../object-store.ts'
import type { SourceInspector } from '../../source-inspector.ts'
import type { PinnedLine } from './replay-outcomes.ts'

/** A manifest where it was dropped. */
export interface DroppedManifest {
  readonly bucket: string
  readonly key: string
  readonly versionId: string
}

/** Refused manifests may name no id, or one that is taken: they are kept by the digest of their bytes. */
const refusedKey = (sha256: Digest, name: 'manifest.json' | 'result.json'): string => `audit/refused/${sha256}/${name}`

/** A plan of the most sources with the longest keys stays below. */
const MAX_DOCUMENT_BYTES = 128 * 1024 * 1024

const JSON_TYPE = 'application/json'

/** The lines of a plan, which planning wrote in this form. */
export const linesOf = (text: string): readonly PinnedLine[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as PinnedLine)

/** What planning and closing write and read in the replay bucket. */
export class ReplayDocuments {
  readonly #objects: ObjectStore
  readonly #inspector: SourceInspector

  constructor(objects: ObjectStore, inspector: SourceInspector) {
    this.#objects = objects
    this.#inspector = inspector
  }

  /** The exact bytes. `null` when there are more than a manifest may have, or the version is gone. */
  async read(manifest: DroppedManifest): Promise<{ bytes: Uint8Array; sha256: Digest } | null> {
    const bytes = await this.#inspector.readVersion(manifest, MAX_MANIFEST_BYTES)
    return bytes === null ? null : { bytes, sha256: digestOf(bytes) }
  }

  resultOf({ bucket, key }: DroppedManifest): ObjectPointer {
    return { bucket, key: resultKeyOf(key) }
  }

  /** The result beside the manifest. */
  putResult({ bucket, key }: DroppedManifest, report: ReplayReport): Promise<void> {
    return this.#objects.put(bucket, resultKeyOf(key), `${JSON.stringify(report, null, 1)}\n`, JSON_TYPE)
  }

  async keepRefused(
    { bucket }: DroppedManifest,
    bytes: Uint8Array,
    sha256: Digest,
    report: ReplayReport,
  ): Promise<void> {
    await this.#objects.put(bucket, refusedKey(sha256, 'manifest.json'), bytes, JSON_TYPE)
    await this.#objects.put(bucket, refusedKey(sha256, 'result.json'), `${JSON.stringify(report)}\n`, JSON_TYPE)
  }

  put(bucket: string, replayId: string, name: AuditDocument, body: string | Uint8Array): Promise<void> {
    return this.#objects.put(bucket, auditKey(replayId, name), body, JSON_TYPE)
  }

  putLines(
    bucket: string,
    replayId: string,
    name: 'plan.jsonl' | 'runs.jsonl',
    lines: readonly unknown[],
  ): Promise<void> {
    return this.put(bucket, replayId, name, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }

  /** @throws SluiceError `replay_document_missing` */
  async readText(bucket: string, replayId: string, name: AuditDocument): Promise<string> {
    const text = await this.#objects.readText(bucket, auditKey(replayId, name), MAX_DOCUMENT_BYTES)
    if (text !== null) return text
    throw new SluiceError(
      'replay_document_missing',
      `Replay ${replayId} has no s3://${bucket}/${auditKey(replayId, name)}`,
    )
  }

  /** Puts what a replay that has ended came to beside another drop of its manifest. */
  async repeatResult(manifest: DroppedManifest, replayId: string, sha256: Digest): Promise<void> {
    const { bucket, key } = manifest
    const report: unknown = JSON.parse(await this.readText(bucket, replayId, 'result.json'))
    const repeated = { ...(isJsonObject(report) ? report : {}), manifest: { ...manifest, sha256 } }
    await this.#objects.put(bucket, resultKeyOf(key), `${JSON.stringify(repeated, null, 1)}\n`, JSON_TYPE)
  }
}
