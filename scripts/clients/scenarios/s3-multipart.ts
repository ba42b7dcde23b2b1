/** Multipart uploads. */
import { createHash } from 'node:crypto'
import { bytes, type Members } from '../client.ts'
import type { Stage } from '../stage.ts'
import { versionedBucket } from './s3-objects.ts'

const MIB = 1024 ** 2

export async function playS3Multipart(stage: Stage): Promise<void> {
  const { Bucket, s3 } = await versionedBucket(stage, 'multipart')
  const first = Buffer.alloc(5 * MIB, 'a')
  const md5Of = (content: Buffer): Buffer => createHash('md5').update(content).digest()
  await stage.part('s3', 'multipart: upload', async () => {
    const Key = 'parts/whole ü.bin'
    const { UploadId = '' } = await s3('CreateMultipartUpload', {
      Key,
      ContentType: 'text/x-a',
      Metadata: { by: 'parts' },
    })
    const upload = { Key, UploadId }
    const parts: Members[] = []
    for (const [index, content] of [first, Buffer.from('the end')].entries()) {
      const { ETag = '' } = await s3('UploadPart', { ...upload, PartNumber: index + 1, Body: bytes(content) })
      parts.push({ ETag, PartNumber: index + 1 })
    }
    await s3('ListParts', upload, {
      Parts: [
        { PartNumber: 1, Size: 5 * MIB },
        { PartNumber: 2, Size: 7 },
      ],
    })
    const page = await s3('ListParts', { ...upload, MaxParts: 1 }, { Parts: [{}], IsTruncated: true })
    await s3(
      'ListParts',
      { ...upload, PartNumberMarker: Number(page.NextPartNumberMarker) },
      { Parts: [{ PartNumber: 2 }] },
    ).catch(() =>
      s3(
        'ListParts',
        { ...upload, PartNumberMarker: String(page.NextPartNumberMarker) },
        { Parts: [{ PartNumber: 2 }] },
      ),
    )
    await s3('ListMultipartUploads', { Prefix: 'parts/' }, { Uploads: [{ Key, UploadId: UploadId as string }] })
    const reversed = { Bucket, ...upload, MultipartUpload: { Parts: [...parts].reverse() } }
    await stage.fails('s3', 'CompleteMultipartUpload', reversed, { code: 'InvalidPartOrder', status: 400 })
    const unknown = { Bucket, ...upload, MultipartUpload: { Parts: [{ ETag: '"0"', PartNumber: 1 }] } }
    await stage.fails('s3', 'CompleteMultipartUpload', unknown, { code: 'InvalidPart', status: 400 })
    const etag = createHash('md5')
      .update(Buffer.concat([md5Of(first), md5Of(Buffer.from('the end'))]))
      .digest('hex')
    await s3(
      'CompleteMultipartUpload',
      { ...upload, MultipartUpload: { Parts: parts } },
      { ETag: `"${etag}-2"`, Bucket, Key, VersionId: /./, Location: /parts/ },
    )
    await s3('HeadObject', { Key }, { ContentLength: 5 * MIB + 7, ContentType: 'text/x-a', Metadata: { by: 'parts' } })
    await s3('GetObject', { Key, PartNumber: 2 }, { ContentLength: 7, PartsCount: 2 })
    await s3('GetObjectAttributes', { Key, ObjectAttributes: ['ObjectParts'] }, { ObjectParts: { TotalPartsCount: 2 } })
    const { ETag: _, ...gone } = { ...upload, ETag: '' }
    await stage.fails('s3', 'ListParts', { Bucket, ...gone }, { code: 'NoSuchUpload', status: 404 })
  })
  await stage.part('s3', 'multipart: copied parts', async () => {
    const source = await s3('PutObject', { Key: 'source', Body: bytes(Buffer.concat([first, Buffer.from('tail')])) })
    const { UploadId = '' } = await s3('CreateMultipartUpload', { Key: 'copied', ChecksumAlgorithm: 'CRC32' })
    const CopySource = `${Bucket}/source?versionId=${source.VersionId}`
    const upload = { Key: 'copied', UploadId }
    const copied = async (PartNumber: number, CopySourceRange: string): Promise<Members> => {
      const { CopyPartResult } = await s3(
        'UploadPartCopy',
        { ...upload, PartNumber, CopySource, CopySourceRange, CopySourceIfMatch: source.ETag ?? '' },
        { CopyPartResult: { ETag: /^"/, ChecksumCRC32: /./ }, CopySourceVersionId: String(source.VersionId) },
      )
      const { ETag, ChecksumCRC32 } = CopyPartResult as Members
      return { PartNumber, ETag: ETag ?? '', ChecksumCRC32: ChecksumCRC32 ?? '' }
    }
    const Parts = [await copied(1, `bytes=0-${5 * MIB - 1}`), await copied(2, `bytes=${5 * MIB}-${5 * MIB + 3}`)]
    await s3(
      'CompleteMultipartUpload',
      { ...upload, MultipartUpload: { Parts } },
      { ChecksumCRC32: /-2$/, ChecksumType: 'COMPOSITE' },
    )
    await s3('GetObject', { Key: 'copied', Range: 'bytes=-4' }, { ContentLength: 4 })
  })
  await stage.part('s3', 'multipart: refused', async () => {
    const { UploadId = '' } = await s3('CreateMultipartUpload', { Key: 'small' })
    const upload = { Key: 'small', UploadId }
    const parts: Members[] = []
    for (const PartNumber of [1, 2]) {
      const { ETag = '' } = await s3('UploadPart', { ...upload, PartNumber, Body: bytes('tiny') })
      parts.push({ ETag, PartNumber })
    }
    const complete = { Bucket, ...upload, MultipartUpload: { Parts: parts } }
    await stage.fails('s3', 'CompleteMultipartUpload', complete, { code: 'EntityTooSmall', status: 400 })
    await s3('AbortMultipartUpload', upload)
    await stage.fails(
      's3',
      'UploadPart',
      { Bucket, ...upload, PartNumber: 3, Body: bytes('x') },
      { code: 'NoSuchUpload', status: 404 },
    )
    for (const Key of ['open/1', 'open/2', 'open/3']) await s3('CreateMultipartUpload', { Key })
    const page = await s3(
      'ListMultipartUploads',
      { Prefix: 'open/', MaxUploads: 2 },
      { IsTruncated: true, Uploads: [{}, {}] },
    )
    const { NextKeyMarker: KeyMarker = '', NextUploadIdMarker: UploadIdMarker = '' } = page
    await s3(
      'ListMultipartUploads',
      { Prefix: 'open/', KeyMarker, UploadIdMarker },
      { IsTruncated: false, Uploads: [{ Key: 'open/3' }] },
    )
    await s3('ListMultipartUploads', { Delimiter: '/' }, { CommonPrefixes: [{ Prefix: 'open/' }] })
  })
}
