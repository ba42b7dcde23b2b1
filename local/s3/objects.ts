/** Putting, reading and deleting objects. */

import { type Input, readInput } from '../input.ts'
import { AwsError, type CallContext, type Operation, type Permission } from '../service.ts'
import { attributesOf, checksumMembers, encryptionMembers, encryptionOf, versionMember } from './attributes.ts'
import { announce, commitVersion, etagOf, sweepAll } from './commit.ts'
import { checkReadConditions, checkWriteConditions, noSuchKey, noSuchVersion } from './conditions.ts'
import { bucketArn, kmsPermissions, objectArn, placeOf, readPermissions, type S3Context } from './context.ts'
import { parseRange } from './ranges.ts'
import { receiveBody } from './receive.ts'
import type { BucketRecord, ObjectVersion } from './records.ts'

/** What writing an object of this request needs. */
export function writePermissions(
  context: S3Context,
  input: Input,
  kmsActions: readonly 'kms:Decrypt'[] = [],
): Permission[] {
  const { bucket, key } = placeOf(input)
  const { kmsKeyArn } = encryptionOf(input, context.catalog.bucket(bucket))
  const resource = objectArn(bucket, key)
  const condition: Record<string, string> = {}
  const encryption = input.textOr('ServerSideEncryption', null)
  if (encryption !== null) condition['s3:x-amz-server-side-encryption'] = encryption
  const keyId = input.textOr('SSEKMSKeyId', null)
  if (keyId !== null) condition['s3:x-amz-server-side-encryption-aws-kms-key-id'] = keyId
  return [
    { action: 's3:PutObject', resource, context: condition },
    ...(input.textOr('Tagging', '') === '' ? [] : [{ action: 's3:PutObjectTagging', resource }]),
    ...kmsPermissions(context, kmsKeyArn, ['kms:GenerateDataKey', ...kmsActions]),
  ]
}

/** Longest key in bytes of UTF-8. */
const MAX_KEY_BYTES = 1024

/** @throws AwsError `KeyTooLongError` */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) <= MAX_KEY_BYTES) return
  throw new AwsError('KeyTooLongError', 'Your key is too long', 400, { MaxSizeAllowed: MAX_KEY_BYTES })
}

const putObject = (context: S3Context): Operation => ({
  permissions: (raw) => writePermissions(context, readInput(raw)),
  run: async (raw, call) => {
    const input = readInput(raw)
    const { bucket: name, key } = placeOf(input)
    checkKey(key)
    const bucket = context.catalog.bucket(name)
    const attributes = attributesOf(input, bucket)
    checkWriteConditions(input, () => context.catalog.find(name, key))
    const received = await receiveBody(context.blobs, input, {
      withMd5: attributes.encryption.algorithm === 'AES256',
      fallback: 'CRC64NVME',
    })
    const etag = etagOf(attributes.encryption, received.md5)
    const { blob, sizeBytes, checksum } = received
    const made = { ...attributes, blob, sizeBytes, checksum, etag, partSizes: null }
    const { version } = await commitVersion(context, call, input, made, 'PutObject')
    return {
      ETag: `"${version.etag}"`,
      ...versionMember(version, bucket),
      ...encryptionMembers(version.encryption),
      ...checksumMembers(version.checksum),
    }
  },
})

/**
 * The version that a read names.
 * @throws AwsError 404 `NoSuchKey` or `NoSuchVersion` (403 for those who may not list the bucket), 405 for a delete marker
 */
export async function findForRead(
  context: S3Context,
  call: CallContext,
  bucket: string,
  key: string,
  versionId: string | undefined,
): Promise<ObjectVersion> {
  const version = context.catalog.find(bucket, key, versionId)
  if (version !== undefined && !version.deleteMarker) return version
  if (version !== undefined && versionId !== undefined) {
    throw new AwsError('MethodNotAllowed', 'The specified method is not allowed against this resource.', 405, {
      Method: 'GET',
      ResourceType: 'DeleteMarker',
      DeleteMarker: true,
      VersionId: version.versionId,
    })
  }
  if (version === undefined) {
    const listing = { action: 's3:ListBucket', resource: bucketArn(bucket), context: { 's3:prefix': key } }
    const denial = await context.authorizer.denial(call.caller, listing)
    if (denial !== null) throw new AwsError('AccessDenied', denial, 403)
    if (versionId !== undefined) throw noSuchVersion(key, versionId)
  }
  const missing = noSuchKey(key)
  throw version === undefined
    ? missing
    : new AwsError(missing.code, missing.message, 404, { Key: key, DeleteMarker: true, VersionId: version.versionId })
}

function describe(input: Input, bucket: BucketRecord, version: ObjectVersion): Record<string, unknown> {
  const wantsChecksum =
    input.textOr('ChecksumMode', '') === 'ENABLED' && !input.has('Range') && !input.has('PartNumber')
  const { Expires: expires, ...headers } = version.headers
  return {
    AcceptRanges: 'bytes',
    LastModified: new Date(version.lastModified),
    ContentLength: version.sizeBytes,
    ETag: `"${version.etag}"`,
    ...headers,
    ...(expires === undefined ? {} : { ExpiresString: expires }),
    Metadata: version.metadata,
    ...(version.storageClass === 'STANDARD' ? {} : { StorageClass: version.storageClass }),
    ...(version.tags.length === 0 ? {} : { TagCount: version.tags.length }),
    ...versionMember(version, bucket),
    ...encryptionMembers(version.encryption),
    ...(wantsChecksum ? checksumMembers(version.checksum) : {}),
    ...overrides(input),
  }
}

/** `ResponseContentType` and its kin, of pre-signed URLs. */
const overrides = (input: Input): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(input.members)
      .filter(([name, value]) => name.startsWith('Response') && value !== undefined)
      .map(([name, value]) => [name.slice('Response'.length), value]),
  )

interface Stretch {
  readonly first: number
  readonly lengthBytes: number
  readonly members: Readonly<Record<string, unknown>>
}

/** Which bytes a read asks for, by range or by part number. */
function stretchOf(input: Input, version: ObjectVersion): Stretch {
  const partNumber = input.numberOr('PartNumber', null)
  const header = input.textOr('Range', null)
  const range = header === null ? null : parseRange(header, version.sizeBytes)
  const part = partNumber === null ? null : partStretch(version, partNumber)
  const chosen = part ?? range
  if (chosen === null) return { first: 0, lengthBytes: version.sizeBytes, members: {} }
  const last = chosen.first + chosen.lengthBytes - 1
  return {
    ...chosen,
    members: {
      ContentLength: chosen.lengthBytes,
      ContentRange: `bytes ${chosen.first}-${last}/${version.sizeBytes}`,
      ...(part === null || version.partSizes === null ? {} : { PartsCount: version.partSizes.length }),
    },
  }
}

function partStretch(version: ObjectVersion, partNumber: number): { first: number; lengthBytes: number } {
  const sizes = version.partSizes ?? [version.sizeBytes]
  const lengthBytes = sizes[partNumber - 1]
  if (lengthBytes === undefined) {
    throw new AwsError('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416)
  }
  const first = sizes.slice(0, partNumber - 1).reduce((sum, size) => sum + size, 0)
  return { first, lengthBytes }
}

const readOperation = (context: S3Context, withBody: boolean): Operation => ({
  permissions: (raw) => {
    const input = readInput(raw)
    const { bucket, key } = placeOf(input)
    return readPermissions(context, bucket, key, input.textOr('VersionId', undefined))
  },
  run: async (raw, call) => {
    const input = readInput(raw)
    const { bucket, key } = placeOf(input)
    const version = await findForRead(context, call, bucket, key, input.textOr('VersionId', undefined))
    checkReadConditions(input, version)
    const stretch = stretchOf(input, version)
    const described = { ...describe(input, context.catalog.bucket(bucket), version), ...stretch.members }
    if (!withBody) return described
    const { first, lengthBytes } = stretch
    const { blobs } = context
    const Body = blobs.readInline(version.blob, first, lengthBytes) ?? blobs.read(version.blob, first, lengthBytes)
    return { ...described, Body }
  },
})

interface Deleted {
  readonly VersionId?: string
  readonly DeleteMarker?: boolean
}

/** Deletes one version, or hides the key under a delete marker. Deleting what is not there is no error. */
async function deleteOne(
  context: S3Context,
  call: CallContext,
  bucketName: string,
  key: string,
  versionId: string | undefined,
): Promise<Deleted> {
  const { store, catalog, outbox } = context
  const done = await store.transaction(() => {
    const bucket = catalog.bucket(bucketName)
    if (versionId !== undefined || bucket.versioning === 'Never') {
      return removeVersion(context, call, bucket, key, versionId)
    }
    return hide(context, call, bucket, key)
  })
  outbox.deliver()
  await sweepAll(context, done.released)
  return done.answer
}

interface Removal {
  readonly answer: Deleted
  readonly released: readonly ObjectVersion[]
}

function removeVersion(
  context: S3Context,
  call: CallContext,
  bucket: BucketRecord,
  key: string,
  versionId: string | undefined,
): Removal {
  const version = context.catalog.find(bucket.name, key, versionId)
  if (version === undefined) return { answer: versionId === undefined ? {} : { VersionId: versionId }, released: [] }
  context.catalog.remove(bucket.name, key, version)
  context.blobs.release(version.blob)
  const removal = { ...version, sequence: context.catalog.nextSequence() }
  announce(context, call, bucket, key, removal, 'DeleteObject', 'Permanently Deleted')
  const answer = {
    ...(versionId === undefined ? {} : { VersionId: versionId }),
    ...(version.deleteMarker ? { DeleteMarker: true } : {}),
  }
  return { answer, released: [version] }
}

function hide(context: S3Context, call: CallContext, bucket: BucketRecord, key: string): Removal {
  const { catalog, blobs, clock } = context
  const sequence = catalog.nextSequence()
  const marker: ObjectVersion = {
    versionId: catalog.versionIdOf(sequence, bucket),
    sequence,
    lastModified: clock.now().toISOString(),
    deleteMarker: true,
    blob: [],
    sizeBytes: 0,
    etag: '',
    checksum: null,
    partSizes: null,
    headers: {},
    metadata: {},
    tags: [],
    encryption: { algorithm: 'AES256', kmsKeyArn: null, bucketKeyEnabled: false },
    storageClass: 'STANDARD',
  }
  const released = catalog.add(bucket, key, marker)
  for (const { blob } of released) blobs.release(blob)
  announce(context, call, bucket, key, marker, 'DeleteObject', 'Delete Marker Created')
  return { answer: { DeleteMarker: true, VersionId: marker.versionId }, released }
}

const deletePermission = (bucket: string, key: string, versionId: string | undefined): Permission => ({
  action: versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion',
  resource: objectArn(bucket, key),
})

const deleteObject = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const input = readInput(raw)
    const { bucket, key } = placeOf(input)
    context.catalog.bucket(bucket)
    return [deletePermission(bucket, key, input.textOr('VersionId', undefined))]
  },
  run: async (raw, call) => {
    const input = readInput(raw)
    const { bucket, key } = placeOf(input)
    return deleteOne(context, call, bucket, key, input.textOr('VersionId', undefined))
  },
})

const MAX_DELETED_OBJECTS = 1000

const targetsOf = (input: Input): readonly Input[] => {
  const targets = input.structure('Delete').structures('Objects')
  if (targets.length > 0 && targets.length <= MAX_DELETED_OBJECTS) return targets
  throw new AwsError('MalformedXML', 'The XML you provided was not well-formed or did not validate against our schema')
}

/** Each object is allowed or denied by itself: the answer lists the denied ones under `Errors`. */
const deleteObjects = (context: S3Context): Operation => ({
  permissions: (raw) => {
    context.catalog.bucket(readInput(raw).text('Bucket'))
    return []
  },
  run: async (raw, call) => {
    const input = readInput(raw)
    const bucket = input.text('Bucket')
    const quiet = input.structure('Delete').booleanOr('Quiet', false)
    const outcomes = []
    for (const target of targetsOf(input)) {
      const key = target.text('Key')
      const versionId = target.textOr('VersionId', undefined)
      const denial = await context.authorizer.denial(call.caller, deletePermission(bucket, key, versionId))
      outcomes.push(
        denial === null
          ? { deleted: deletedEntry(key, versionId, await deleteOne(context, call, bucket, key, versionId)) }
          : { error: { Key: key, VersionId: versionId, Code: 'AccessDenied', Message: denial } },
      )
    }
    const deleted = outcomes.flatMap((outcome) => (outcome.deleted === undefined ? [] : [outcome.deleted]))
    const errors = outcomes.flatMap((outcome) => (outcome.error === undefined ? [] : [outcome.error]))
    return { ...(quiet ? {} : { Deleted: deleted }), ...(errors.length === 0 ? {} : { Errors: errors }) }
  },
})

const deletedEntry = (key: string, versionId: string | undefined, answer: Deleted): Record<string, unknown> => ({
  Key: key,
  ...(versionId === undefined ? {} : { VersionId: versionId }),
  ...(answer.DeleteMarker === true ? { DeleteMarker: true, DeleteMarkerVersionId: answer.VersionId } : {}),
})

/** PutObject, GetObject, HeadObject, DeleteObject, DeleteObjects. */
export const objectOperations = (context: S3Context): Record<string, Operation> => ({
  PutObject: putObject(context),
  GetObject: readOperation(context, true),
  HeadObject: readOperation(context, false),
  DeleteObject: deleteObject(context),
  DeleteObjects: deleteObjects(context),
})
