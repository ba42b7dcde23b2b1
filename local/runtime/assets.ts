/** The file assets of the assembly in the bucket where a deployment uploads them. */
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import type { FileAsset, FunctionModel } from '../assembly/model.ts'
import { AwsError } from '../service.ts'
import { zipOf } from './zip-archive.ts'

/** Calls an operation of S3 as the operator. */
export type S3Call = (operation: string, input: unknown) => Promise<unknown>

/** Function bundles stay out: Lambda takes them from the assembly. Keys are content hashes, so what is there is right. */
export async function uploadAssets(
  assets: readonly FileAsset[],
  functions: readonly FunctionModel[],
  call: S3Call,
): Promise<void> {
  const bundles = new Set(functions.map(({ codeHash }) => codeHash))
  for (const asset of assets) {
    if (bundles.has(asset.hash)) continue
    const place = { Bucket: asset.bucketName, Key: asset.objectKey }
    if (await isThere(place, call)) continue
    const body = asset.packaging === 'file' ? await readFile(asset.path) : await zipFolder(asset.path)
    await call('PutObject', { ...place, Body: body })
  }
}

async function isThere(place: { Bucket: string; Key: string }, call: S3Call): Promise<boolean> {
  try {
    await call('HeadObject', place)
    return true
  } catch (thrown) {
    if (thrown instanceof AwsError && thrown.httpStatus === 404) return false
    throw thrown
  }
}

/** All files below a folder, in the order of their names. */
async function zipFolder(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const files = await Promise.all(
    paths.sort().map(async (path) => ({ name: relative(folder, path), content: await readFile(path) })),
  )
  return zipOf(files)
}
