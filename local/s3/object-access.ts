/** Objects for engines that open files themselves: paths only after the caller's role was evaluated for the object and its key. */

import { randomUUID } from 'node:crypto'
import { type ObjectAccess, parseUri } from '../../glue/object-access.ts'
import { readInput } from '../input.ts'
import { AwsError, type CallContext, type Caller, type Permission, type ServiceBus } from '../service.ts'
import { attributesOf } from './attributes.ts'
import { commitVersion, etagOf } from './commit.ts'
import { bucketArn, readPermissions } from './context.ts'
import { findForRead, writePermissions } from './objects.ts'
import { type Blob, type ObjectVersion, sizeOf } from './records.ts'
import type { S3Service } from './service.ts'

/** `ObjectAccess` and what other engines (COPY, for one) need beside it. */
export interface LocalObjects extends ObjectAccess {
  /** A path of one version's content that may be read only; the newest one without `versionId`. */
  versionPath(bucket: string, key: string, versionId?: string): Promise<string>
}

/**
 * Objects as `caller` may reach them.
 * @throws AwsError `AccessDenied`, `NoSuchKey`, `NoSuchBucket`
 */
export function createObjectAccess(service: S3Service, bus: ServiceBus, caller: Caller): LocalObjects {
  const { context } = service
  const call = (): CallContext => ({ caller, requestId: randomUUID(), signal: new AbortController().signal })
  const allow = async (permissions: readonly Permission[]): Promise<void> => {
    for (const permission of permissions) await bus.authorize(caller, permission)
  }
  const find = async (bucket: string, key: string, versionId?: string): Promise<ObjectVersion> => {
    await allow(readPermissions(context, bucket, key, versionId))
    return findForRead(context, call(), bucket, key, versionId)
  }
  const versionPath = async (bucket: string, key: string, versionId?: string): Promise<string> =>
    context.blobs.path((await find(bucket, key, versionId)).blob)

  const put = async (uri: string, store: () => Promise<Blob>): Promise<number> => {
    const { bucket: name, key } = parseUri(uri)
    const input = readInput({ Bucket: name, Key: key })
    await allow(writePermissions(context, input))
    const attributes = attributesOf(input, context.catalog.bucket(name))
    const blob = await store()
    const sizeBytes = sizeOf(blob)
    const etag = etagOf(attributes.encryption, null)
    const made = { ...attributes, blob, sizeBytes, etag, checksum: null, partSizes: null }
    await commitVersion(context, call(), input, made, 'PutObject')
    return sizeBytes
  }
  return {
    versionPath,
    localPath: async (uri) => {
      const { bucket, key } = parseUri(uri)
      return versionPath(bucket, key)
    },
    readText: async (uri) => {
      const { bucket, key } = parseUri(uri)
      const { blob, sizeBytes } = await find(bucket, key)
      const chunks: Uint8Array[] = []
      for await (const chunk of context.blobs.read(blob, 0, sizeBytes)) chunks.push(chunk)
      return decodeUtf8(Buffer.concat(chunks), uri)
    },
    putFile: (uri, localPath) => put(uri, () => context.blobs.adopt(localPath)),
    putText: async (uri, text) => {
      await put(uri, async () => (await context.blobs.write([Buffer.from(text)], [])).blob)
    },
  }
}

/**
 * Objects for COPY, which must have LIST access to the bucket beside GET access to the object.
 * @throws AwsError as `createObjectAccess` does
 */
export function createListedObjectAccess(service: S3Service, bus: ServiceBus, caller: Caller): LocalObjects {
  const objects = createObjectAccess(service, bus, caller)
  const list = async (bucket: string, key: string): Promise<void> => {
    const context = { 's3:prefix': key }
    await bus.authorize(caller, { action: 's3:ListBucket', resource: bucketArn(bucket), context })
  }
  const listed =
    <T>(read: (uri: string) => Promise<T>) =>
    async (uri: string): Promise<T> => {
      const { bucket, key } = parseUri(uri)
      await list(bucket, key)
      return read(uri)
    }
  return {
    ...objects,
    readText: listed(objects.readText),
    localPath: listed(objects.localPath),
    versionPath: async (bucket, key, versionId) => {
      await list(bucket, key)
      return objects.versionPath(bucket, key, versionId)
    },
  }
}

function decodeUtf8(bytes: Uint8Array, uri: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new AwsError('InvalidRequest', `Cannot read "${uri}" as text: it is not UTF-8 (${String(cause)})`)
  }
}
