import type { LandedSource, SourceVersion } from '../core/source.ts'
import type { ObjectFacts } from '../replay/plan-source.ts'

/** What S3 says of an object version without giving its bytes. */
export interface InspectedSource {
  readonly object: ObjectFacts
  /** `null` unless the version is there. */
  readonly landed: Pick<LandedSource, 'sizeBytes' | 'etag' | 'landedAt'> | null
}

/** Looks at object versions, and reads one whole. */
export interface SourceInspector {
  inspect(source: SourceVersion): Promise<InspectedSource>
  /** `null` when there is no such version or it is longer than `maxBytes`. */
  readVersion(source: SourceVersion, maxBytes: number): Promise<Uint8Array | null>
}
