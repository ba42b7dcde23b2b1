import type { LandedSource } from '../../core/source.ts'
import type { Fields } from '../input.ts'
import { utc } from './database.ts'

/** Columns of `source_objects` that `landedSourceOf` reads. */
export const LANDED_SOURCE = `bucket, object_key, version_id, size_bytes::float8 AS size_bytes, etag, sequencer,
  ${utc('landed_at', 'landed_at')}`

/** A registered source as its event, or a listing, told of it. */
export const landedSourceOf = (row: Fields): LandedSource => ({
  bucket: row.text('bucket'),
  key: row.text('object_key'),
  versionId: row.text('version_id'),
  sizeBytes: row.integer('size_bytes'),
  etag: row.text('etag'),
  sequencer: row.text('sequencer'),
  landedAt: row.text('landed_at'),
})
