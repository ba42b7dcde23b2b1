import { createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3'
import type { SourceVersion } from '../../core/source.ts'
import type { ObjectAccess } from '../../glue/object-access.ts'
import { openScratchFolder } from './scratch-folder.ts'

/** A folder of this machine in place of every bucket: what a run writes stays in it, and it is deleted. */
export interface Scratch extends ObjectAccess {
  readonly folder: string
  /** Reads exactly one object version into the folder, under another URI. */
  fetch(s3: S3Client, source: SourceVersion, uri: string): Promise<void>
  /** Deletes what is in the folder. */
  empty(): Promise<void>
  remove(): Promise<void>
}

/** Opens a new scratch folder below the system's temporary one. */
export async function openScratch(): Promise<Scratch> {
  const { path: folder, remove } = await openScratchFolder(tmpdir())
  const objects = join(folder, 'objects')
  const pathOf = (uri: string): string => join(objects, uri.slice('s3://'.length))
  const placeOf = async (uri: string): Promise<string> => {
    await mkdir(dirname(pathOf(uri)), { recursive: true })
    return pathOf(uri)
  }
  return {
    folder,
    readText: (uri) => readFile(pathOf(uri), 'utf8'),
    localPath: async (uri) => {
      await stat(pathOf(uri))
      return pathOf(uri)
    },
    putText: async (uri, text) => writeFile(await placeOf(uri), text),
    putFile: async (uri, localPath) => {
      const path = await placeOf(uri)
      await rename(localPath, path)
      return (await stat(path)).size
    },
    fetch: async (s3, { bucket, key, versionId }, uri) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }))
      if (Body === undefined) throw new Error(`s3://${bucket}/${key} has no body`)
      const body: AsyncIterable<Uint8Array> = Body.transformToWebStream()
      await pipeline(body, createWriteStream(await placeOf(uri)))
    },
    empty: () => rm(objects, { recursive: true, force: true }),
    remove,
  }
}
