/** Listing: v1, v2 and versions, with prefixes, delimiters and pages. */
import { bytes, type Members } from '../client.ts'
import type { Stage } from '../stage.ts'
import { versionedBucket } from './s3-objects.ts'

const KEYS = ['a', 'b/1', 'b/2', 'b/c/3', 'd e/4', 'f', 'g&h/5', 'z']

export async function playS3Listing(stage: Stage): Promise<void> {
  const { Bucket, s3 } = await versionedBucket(stage, 'listing')
  for (const Key of KEYS) await s3('PutObject', { Key, Body: bytes(Key) })
  const keysOf = (items: readonly unknown[]): string[] => items.map((item) => (item as { Key: string }).Key)
  const same = (found: readonly string[], wanted: readonly string[]): void => {
    if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`found ${JSON.stringify(found)}`)
  }

  await stage.part('s3', 'listing: version 2', async () => {
    await s3('ListObjectsV2', { Prefix: 'b/' }, { KeyCount: 3, IsTruncated: false, Prefix: 'b/', MaxKeys: 1000 })
    await s3(
      'ListObjectsV2',
      { Delimiter: '/' },
      {
        Contents: [{ Key: 'a', Size: 1, ETag: /^"/, StorageClass: 'STANDARD' }, { Key: 'f' }, { Key: 'z' }],
        CommonPrefixes: [{ Prefix: 'b/' }, { Prefix: 'd e/' }, { Prefix: 'g&h/' }],
        KeyCount: 6,
      },
    )
    await s3('ListObjectsV2', { StartAfter: 'f' }, { Contents: [{ Key: 'g&h/5' }, { Key: 'z' }] })
    await s3(
      'ListObjectsV2',
      { FetchOwner: true, MaxKeys: 1 },
      { Contents: [{ Owner: { ID: /./ } }], IsTruncated: true },
    )
    const tokens = { output: 'NextContinuationToken', input: 'ContinuationToken' }
    const paged = await stage.pages('s3', 'ListObjectsV2', { Bucket, MaxKeys: 3 }, 'Contents', tokens)
    await stage.check('s3', 'ListObjectsV2: pages', () => same(keysOf(paged.items), KEYS))
    const token = { Bucket, ContinuationToken: 'no' }
    await stage.fails('s3', 'ListObjectsV2', token, { code: 'InvalidArgument', status: 400 })
  })
  await stage.part('s3', 'listing: version 1', async () => {
    await s3(
      'ListObjects',
      { Delimiter: '/', Prefix: 'b/' },
      { Contents: [{}, {}], CommonPrefixes: [{ Prefix: 'b/c/' }] },
    )
    const found: string[] = []
    let Marker = ''
    for (let page = 0; page < 10; page += 1) {
      const output = await s3('ListObjects', { MaxKeys: 3, ...(Marker === '' ? {} : { Marker }) })
      found.push(...keysOf(Array.isArray(output.Contents) ? output.Contents : []))
      if (output.IsTruncated !== true) break
      Marker = found.at(-1) ?? ''
    }
    await stage.check('s3', 'ListObjects: pages', () => same(found, KEYS))
    await s3('ListObjects', { Delimiter: '/', MaxKeys: 2 }, { NextMarker: 'b/', IsTruncated: true })
  })
  await stage.part('s3', 'listing: versions', async () => {
    await s3('PutObject', { Key: 'a', Body: bytes('again') })
    await s3('DeleteObject', { Key: 'b/1' })
    const found: string[] = []
    let markers: Members = {}
    for (let page = 0; page < 20; page += 1) {
      const output = await s3('ListObjectVersions', { MaxKeys: 2, ...markers })
      for (const list of [output.Versions, output.DeleteMarkers]) {
        found.push(...keysOf(Array.isArray(list) ? list : []))
      }
      if (output.IsTruncated !== true) break
      const next = typeof output.NextVersionIdMarker === 'string' ? { VersionIdMarker: output.NextVersionIdMarker } : {}
      markers = { KeyMarker: String(output.NextKeyMarker), ...next }
    }
    await stage.check('s3', 'ListObjectVersions: pages', () => same([...found].sort(), ['a', 'b/1', ...KEYS].sort()))
    await s3('ListObjectVersions', { Delimiter: '/' }, { CommonPrefixes: [{}, {}, {}], Versions: [{}, {}, {}, {}] })
  })
}
