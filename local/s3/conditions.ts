/** The conditions of a request: If-Match and its kin, for reads, writes and copies. */

import type { Input } from '../input.ts'
import { AwsError } from '../service.ts'
import type { ObjectVersion } from './records.ts'

const preconditionFailed = (condition: string): AwsError =>
  new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412, {
    Condition: condition,
  })

const unquoted = (etag: string): string => etag.trim().replace(/^W\//, '').replace(/^"|"$/g, '')

const matches = (condition: string, etag: string): boolean =>
  condition.split(',').some((one) => one.trim() === '*' || unquoted(one) === etag)

/** HTTP times have whole seconds. */
const wholeSeconds = (time: string | Date): number => Math.floor(new Date(time).getTime() / 1000)

/** @throws AwsError 412 `PreconditionFailed`, 304 `NotModified` */
export function checkReadConditions(input: Input, version: ObjectVersion): void {
  const ifMatch = input.textOr('IfMatch', null)
  const ifNoneMatch = input.textOr('IfNoneMatch', null)
  if (ifMatch !== null && !matches(ifMatch, version.etag)) throw preconditionFailed('If-Match')
  const unmodifiedSince = input.dateOr('IfUnmodifiedSince', null)
  if (ifMatch === null && unmodifiedSince !== null && modifiedAfter(version, unmodifiedSince)) {
    throw preconditionFailed('If-Unmodified-Since')
  }
  if (ifNoneMatch !== null && matches(ifNoneMatch, version.etag)) throw notModified(version)
  const modifiedSince = input.dateOr('IfModifiedSince', null)
  if (ifNoneMatch === null && modifiedSince !== null && !modifiedAfter(version, modifiedSince))
    throw notModified(version)
}

const notModified = ({ etag }: ObjectVersion): AwsError =>
  new AwsError('NotModified', 'Not Modified', 304, { ETag: `"${etag}"` })

const modifiedAfter = (version: ObjectVersion, time: Date): boolean =>
  wholeSeconds(version.lastModified) > wholeSeconds(time)

/**
 * @param find looks up the object that the write would replace, where the request has conditions
 * @throws AwsError 412 `PreconditionFailed`, 404 `NoSuchKey`
 */
export function checkWriteConditions(input: Input, find: () => ObjectVersion | undefined): void {
  if (!input.has('IfMatch') && !input.has('IfNoneMatch')) return
  const current = find()
  const present = current !== undefined && !current.deleteMarker ? current : undefined
  if (input.textOr('IfNoneMatch', null) === '*' && present !== undefined) throw preconditionFailed('If-None-Match')
  const ifMatch = input.textOr('IfMatch', null)
  if (ifMatch === null) return
  if (present === undefined) throw noSuchKey(input.text('Key'))
  if (!matches(ifMatch, present.etag)) throw preconditionFailed('If-Match')
}

/** @throws AwsError 412 `PreconditionFailed` */
export function checkCopyConditions(input: Input, source: ObjectVersion): void {
  const ifMatch = input.textOr('CopySourceIfMatch', null)
  if (ifMatch !== null && !matches(ifMatch, source.etag)) throw preconditionFailed('x-amz-copy-source-If-Match')
  const ifNoneMatch = input.textOr('CopySourceIfNoneMatch', null)
  if (ifNoneMatch !== null && matches(ifNoneMatch, source.etag)) {
    throw preconditionFailed('x-amz-copy-source-If-None-Match')
  }
  // A condition on the etag decides over the one on the time beside it.
  const since = ifNoneMatch === null ? input.dateOr('CopySourceIfModifiedSince', null) : null
  if (since !== null && !modifiedAfter(source, since)) throw preconditionFailed('x-amz-copy-source-If-Modified-Since')
  const until = ifMatch === null ? input.dateOr('CopySourceIfUnmodifiedSince', null) : null
  if (until !== null && modifiedAfter(source, until)) {
    throw preconditionFailed('x-amz-copy-source-If-Unmodified-Since')
  }
}

export const noSuchKey = (key: string): AwsError =>
  new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: key })
export const noSuchVersion = (key: string, versionId: string): AwsError =>
  new AwsError('NoSuchVersion', 'The specified version does not exist.', 404, { Key: key, VersionId: versionId })
