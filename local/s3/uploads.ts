/** Uploads in progress: finding one, what writing to it needs, forgetting it. */

import type { Input } from '../input.ts'
import { AwsError, type Permission } from '../service.ts'
import { kmsPermissions, objectArn, placeOf, type S3Context } from './context.ts'
import type { PartRecord, UploadRecord } from './records.ts'

const noSuchUpload = (uploadId: string): AwsError =>
  new AwsError(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    404,
    { UploadId: uploadId },
  )

/** @throws AwsError `NoSuchUpload` */
export function uploadOf({ catalog }: S3Context, input: Input): UploadRecord {
  const { bucket, key } = placeOf(input)
  catalog.bucket(bucket)
  const uploadId = input.text('UploadId')
  const upload = catalog.uploads.get([bucket, uploadId])
  if (upload === undefined || upload.key !== key) throw noSuchUpload(uploadId)
  return upload
}

/** All parts stored so far, by number. */
export const partsOf = ({ catalog }: S3Context, upload: UploadRecord): PartRecord[] =>
  [...catalog.parts.range([upload.bucket, upload.uploadId])].map(({ value }) => value)

/** What writing to an upload that has begun needs: its encryption is fixed. */
export const partPermissions = (context: S3Context, input: Input): Permission[] => {
  const { encryption } = uploadOf(context, input)
  return writingPermissions(context, input, encryption.kmsKeyArn)
}

export const writingPermissions = (context: S3Context, input: Input, kmsKeyArn: string | null): Permission[] => {
  const { bucket, key } = placeOf(input)
  return [
    { action: 's3:PutObject', resource: objectArn(bucket, key) },
    ...kmsPermissions(context, kmsKeyArn, ['kms:GenerateDataKey', 'kms:Decrypt']),
  ]
}

/** Inside a transaction: removes an upload and the records of its parts. */
export function forgetUpload({ catalog }: S3Context, upload: UploadRecord, parts: readonly PartRecord[]): void {
  catalog.uploads.remove([upload.bucket, upload.uploadId])
  for (const { partNumber } of parts) catalog.parts.remove([upload.bucket, upload.uploadId, partNumber])
}
