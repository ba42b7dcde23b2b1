/** Copying versions without copying bytes. */

import { type Input, readInput } from '../input.ts'
import { AwsError, type CallContext, type Operation, type Permission } from '../service.ts'
import {
  attributesOf,
  checksumMembers,
  encryptionMembers,
  encryptionOf,
  namedAlgorithm,
  versionMember,
} from './attributes.ts'
import { base64, type DigestAlgorithm, digestIn } from './checksum.ts'
import { commitVersion, etagOf } from './commit.ts'
import { checkCopyConditions } from './conditions.ts'
import { objectArn, readPermissions, type S3Context } from './context.ts'
import { checkKey, findForRead, writePermissions } from './objects.ts'
import type { Checksum, ChecksumAlgorithm, Encryption, ObjectAttributes, ObjectVersion } from './records.ts'

export interface CopySource {
  readonly bucket: string
  readonly key: string
  readonly versionId: string | undefined
}

/** Largest object that one CopyObject takes: 5 GB. */
const MAX_COPY_BYTES = 5 * 1024 ** 3

/** Parses `bucket/key?versionId=…`, URL-encoded as S3 wants it. @throws AwsError `InvalidArgument` */
export function parseCopySource(header: string): CopySource {
  const [path = '', versionId] = header.split('?versionId=', 2)
  const decoded = decode(path).replace(/^\//, '')
  const slash = decoded.indexOf('/')
  if (slash <= 0 || slash === decoded.length - 1) throw invalidCopySource(header)
  return {
    bucket: decoded.slice(0, slash),
    key: decoded.slice(slash + 1),
    versionId: versionId === undefined || versionId === '' ? undefined : decode(versionId),
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '))
  } catch (thrown) {
    if (thrown instanceof URIError) throw invalidCopySource(text)
    throw thrown
  }
}

const invalidCopySource = (header: string): AwsError =>
  new AwsError('InvalidArgument', `Invalid copy source object key: "${header}" must be a URL-encoded bucket/key`, 400, {
    ArgumentName: 'x-amz-copy-source',
    ArgumentValue: header,
  })

/** Reading a copy's source. */
export function sourcePermissions(context: S3Context, source: CopySource): Permission[] {
  return readPermissions(context, source.bucket, source.key, source.versionId)
}

/** The version a copy reads, its conditions checked. @throws AwsError */
export async function findSource(
  context: S3Context,
  call: CallContext,
  input: Input,
  source: CopySource,
): Promise<ObjectVersion> {
  context.catalog.bucket(source.bucket)
  const version = await findForRead(context, call, source.bucket, source.key, source.versionId).catch((thrown) => {
    throw thrown instanceof AwsError && thrown.code === 'MethodNotAllowed'
      ? new AwsError(
          'InvalidRequest',
          'The source of a copy request may not specifically refer to a delete marker by version id.',
        )
      : thrown
  })
  checkCopyConditions(input, version)
  return version
}

const copiesTags = (input: Input): boolean => input.textOr('TaggingDirective', 'COPY') !== 'REPLACE'

/** Attributes of the copy: the source's, or the request's where its directives say REPLACE. */
function copiedAttributes(
  input: Input,
  source: ObjectVersion,
  encryption: Encryption,
  given: ObjectAttributes,
): ObjectAttributes {
  const replacesMetadata = input.textOr('MetadataDirective', 'COPY') === 'REPLACE'
  const described = replacesMetadata ? given : source
  return {
    headers: described.headers,
    metadata: described.metadata,
    tags: copiesTags(input) ? source.tags : given.tags,
    encryption,
    storageClass: given.storageClass,
  }
}

/** The copy's checksum: the source's where it is of the wanted algorithm and of the whole content, else computed. */
async function copiedChecksum(
  context: S3Context,
  source: ObjectVersion,
  wanted: ChecksumAlgorithm | null,
): Promise<Checksum | null> {
  const algorithm = wanted ?? source.checksum?.algorithm ?? null
  if (algorithm === null) return null
  if (source.checksum?.algorithm === algorithm && source.checksum.type === 'FULL_OBJECT') return source.checksum
  return { algorithm, type: 'FULL_OBJECT', value: base64(await digestOf(context, source, algorithm)) }
}

async function digestOf(
  { blobs }: S3Context,
  { blob, sizeBytes }: ObjectVersion,
  algorithm: DigestAlgorithm,
): Promise<Uint8Array> {
  return digestIn(await blobs.digest(blob, 0, sizeBytes, [algorithm]), algorithm)
}

async function copiedMd5(context: S3Context, source: ObjectVersion, encryption: Encryption): Promise<string | null> {
  if (encryption.algorithm === 'aws:kms') return null
  const isMd5 = source.encryption.algorithm === 'AES256' && source.partSizes === null
  return isMd5 ? source.etag : Buffer.from(await digestOf(context, source, 'MD5')).toString('hex')
}

function checkCopy(input: Input, from: CopySource, source: ObjectVersion): void {
  if (source.sizeBytes > MAX_COPY_BYTES) {
    throw new AwsError(
      'InvalidRequest',
      `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_COPY_BYTES}`,
    )
  }
  const onItself =
    from.bucket === input.text('Bucket') && from.key === input.text('Key') && from.versionId === undefined
  const changes = ['MetadataDirective', 'TaggingDirective'].some((name) => input.textOr(name, 'COPY') === 'REPLACE')
  const rewrites = ['StorageClass', 'ServerSideEncryption', 'WebsiteRedirectLocation', 'ChecksumAlgorithm'].some(
    (name) => input.has(name),
  )
  if (!onItself || changes || rewrites) return
  throw new AwsError(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  )
}

/** CopyObject: the bytes are shared by a link, so a copy costs the same for 5 KB and 5 GB. */
export const copyObject = (context: S3Context): Operation => ({
  permissions: (raw) => {
    const input = readInput(raw)
    const source = parseCopySource(input.text('CopySource'))
    const tagging: Permission[] = copiesTags(input)
      ? [
          {
            action: source.versionId === undefined ? 's3:GetObjectTagging' : 's3:GetObjectVersionTagging',
            resource: objectArn(source.bucket, source.key),
          },
          { action: 's3:PutObjectTagging', resource: objectArn(input.text('Bucket'), input.text('Key')) },
        ]
      : []
    return [...sourcePermissions(context, source), ...writePermissions(context, input), ...tagging]
  },
  run: async (raw, call) => {
    const input = readInput(raw)
    checkKey(input.text('Key'))
    const from = parseCopySource(input.text('CopySource'))
    const source = await findSource(context, call, input, from)
    checkCopy(input, from, source)
    const target = context.catalog.bucket(input.text('Bucket'))
    const encryption = encryptionOf(input, target)
    const attributes = copiedAttributes(input, source, encryption, attributesOf(input, target))
    const checksum = await copiedChecksum(context, source, namedAlgorithm(input))
    const etag = etagOf(encryption, await copiedMd5(context, source, encryption))
    const blob = await context.blobs.share(source.blob, 0, source.sizeBytes)
    const made = { ...attributes, blob, sizeBytes: source.sizeBytes, checksum, etag, partSizes: null }
    const { version } = await commitVersion(context, call, input, made, 'CopyObject')
    const { VersionId: sourceVersionId } = versionMember(source, context.catalog.bucket(from.bucket))
    return {
      CopyObjectResult: {
        ETag: `"${version.etag}"`,
        LastModified: new Date(version.lastModified),
        ...checksumMembers(version.checksum),
      },
      ...(sourceVersionId === undefined ? {} : { CopySourceVersionId: sourceVersionId }),
      ...versionMember(version, target),
      ...encryptionMembers(version.encryption),
    }
  },
})
