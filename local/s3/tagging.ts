/** Tags and further facts of object versions. */

import { type Input, readInput } from '../input.ts'
import { AwsError, type CallContext, type Operation } from '../service.ts'
import { checksumMembers, checkTags, versionMember } from './attributes.ts'
import { kmsPermissions, objectArn, placeOf, type S3Context } from './context.ts'
import { findForRead } from './objects.ts'
import type { ObjectVersion } from './records.ts'

const tagAction = (input: Input, verb: 'Get' | 'Put' | 'Delete'): string =>
  input.has('VersionId') ? `s3:${verb}ObjectVersionTagging` : `s3:${verb}ObjectTagging`

const tagOperation = (
  context: S3Context,
  verb: 'Get' | 'Put' | 'Delete',
  run: (input: Input, call: CallContext) => Promise<unknown>,
): Operation => ({
  permissions: (raw) => {
    const input = readInput(raw)
    const { bucket, key } = placeOf(input)
    context.catalog.bucket(bucket)
    return [{ action: tagAction(input, verb), resource: objectArn(bucket, key) }]
  },
  run: (raw, call) => run(readInput(raw), call),
})

const find = (context: S3Context, call: CallContext, input: Input): Promise<ObjectVersion> => {
  const { bucket, key } = placeOf(input)
  return findForRead(context, call, bucket, key, input.textOr('VersionId', undefined))
}

/** Replaces a version's tags. */
async function replaceTags(
  context: S3Context,
  call: CallContext,
  input: Input,
  tags: ObjectVersion['tags'],
): Promise<Record<string, string>> {
  const { bucket, key } = placeOf(input)
  const { versionId } = await find(context, call, input)
  return context.store.transaction(() => {
    const version = context.catalog.find(bucket, key, versionId)
    if (version === undefined) throw new AwsError('NoSuchVersion', 'The specified version does not exist.', 404)
    context.catalog.update(bucket, key, { ...version, tags })
    return versionMember(version, context.catalog.bucket(bucket))
  })
}

const tagsOf = (input: Input): ObjectVersion['tags'] =>
  checkTags(
    input
      .structure('Tagging')
      .structures('TagSet')
      .map((tag) => [tag.text('Key'), tag.textOr('Value', '')] as const),
  )

const ATTRIBUTES: Readonly<Record<string, (version: ObjectVersion) => Record<string, unknown>>> = {
  ETag: ({ etag }) => ({ ETag: etag }),
  Checksum: ({ checksum }) => (checksum === null ? {} : { Checksum: checksumMembers(checksum) }),
  ObjectParts: ({ partSizes }) => (partSizes === null ? {} : { ObjectParts: { TotalPartsCount: partSizes.length } }),
  StorageClass: ({ storageClass }) => ({ StorageClass: storageClass }),
  ObjectSize: ({ sizeBytes }) => ({ ObjectSize: sizeBytes }),
}

const getObjectAttributes = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const input = readInput(raw)
    const { bucket, key } = placeOf(input)
    context.catalog.bucket(bucket)
    const resource = objectArn(bucket, key)
    const versionId = input.textOr('VersionId', undefined)
    const kmsKeyArn = context.catalog.find(bucket, key, versionId)?.encryption.kmsKeyArn ?? null
    const actions =
      versionId === undefined
        ? ['s3:GetObject', 's3:GetObjectAttributes']
        : ['s3:GetObjectVersion', 's3:GetObjectVersionAttributes']
    return [...actions.map((action) => ({ action, resource })), ...kmsPermissions(context, kmsKeyArn, ['kms:Decrypt'])]
  },
  run: async (raw, call) => {
    const input = readInput(raw)
    const version = await find(context, call, input)
    const wanted = input.list('ObjectAttributes').map(String)
    const unknown = wanted.find((name) => !Object.hasOwn(ATTRIBUTES, name))
    if (wanted.length === 0 || unknown !== undefined) {
      throw new AwsError('InvalidArgument', `Invalid attribute name specified: "${unknown ?? ''}"`)
    }
    return {
      LastModified: new Date(version.lastModified),
      ...versionMember(version, context.catalog.bucket(input.text('Bucket'))),
      ...Object.assign({}, ...wanted.map((name) => ATTRIBUTES[name]?.(version))),
    }
  },
})

/** Get, put and delete tags; GetObjectAttributes. */
export const taggingOperations = (context: S3Context): Record<string, Operation> => ({
  GetObjectTagging: tagOperation(context, 'Get', async (input, call) => {
    const version = await find(context, call, input)
    return {
      TagSet: version.tags.map(([Key, Value]) => ({ Key, Value })),
      ...versionMember(version, context.catalog.bucket(input.text('Bucket'))),
    }
  }),
  PutObjectTagging: tagOperation(context, 'Put', (input, call) => replaceTags(context, call, input, tagsOf(input))),
  DeleteObjectTagging: tagOperation(context, 'Delete', (input, call) => replaceTags(context, call, input, [])),
  GetObjectAttributes: getObjectAttributes(context),
})
