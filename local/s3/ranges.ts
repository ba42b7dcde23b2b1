/** Byte ranges of requests. */

import { AwsError } from '../service.ts'

export interface ByteRange {
  readonly first: number
  readonly lengthBytes: number
}

/**
 * Reads `bytes=first-last`, `bytes=first-` or `bytes=-suffix` (one range) for an object of `sizeBytes`. `null` where it is
 * not such a range: S3 then sends the whole object.
 * @throws AwsError 416 `InvalidRange` when no byte of the object is in it
 */
export function parseRange(header: string, sizeBytes: number): ByteRange | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header.trim())
  if (match === null) return null
  const [, from = '', to = ''] = match
  if (from === '' && to === '') return null
  const first = from === '' ? Math.max(0, sizeBytes - Number(to)) : Number(from)
  const last = from === '' || to === '' ? sizeBytes - 1 : Math.min(Number(to), sizeBytes - 1)
  if (from !== '' && to !== '' && Number(to) < Number(from)) return null
  if (first >= sizeBytes || (from === '' && Number(to) === 0)) {
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', 416, {
      RangeRequested: header,
      ActualObjectSize: sizeBytes,
    })
  }
  return { first, lengthBytes: last - first + 1 }
}

/** @param range `bytes=first-last`, both inclusive, as UploadPartCopy has it @throws AwsError `InvalidArgument` */
export function parseCopyRange(range: string, sizeBytes: number): ByteRange {
  const match = /^bytes=(\d+)-(\d+)$/.exec(range)
  const first = Number(match?.[1])
  const last = Number(match?.[2])
  if (match === null || last < first || last >= sizeBytes) {
    throw new AwsError(
      'InvalidArgument',
      `The x-amz-copy-source-range value must be of the form bytes=first-last within the source object of ${sizeBytes} bytes`,
    )
  }
  return { first, lengthBytes: last - first + 1 }
}
