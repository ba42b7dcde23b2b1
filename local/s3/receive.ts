/** Taking a body in: bytes to disk, checksums verified against what the client said. */

import type { Input } from '../input.ts'
import { AwsError } from '../service.ts'
import { namedAlgorithm } from './attributes.ts'
import type { BlobStore } from './blobs.ts'
import { bytesOfBody, isTrailingBody } from './body.ts'
import { base64, digestIn } from './checksum.ts'
import { type Blob, CHECKSUM_ALGORITHMS, type Checksum, type ChecksumAlgorithm, sizeOf } from './records.ts'

export interface ReceivedBody {
  readonly blob: Blob
  readonly sizeBytes: number
  readonly checksum: Checksum
  /** In hex; `null` unless asked for. */
  readonly md5: string | null
}

/**
 * @param fallback the checksum to compute where the client names none
 * @throws AwsError `BadDigest`, `InvalidDigest`, `IncompleteBody`; what was written is deleted then
 */
export async function receiveBody(
  blobs: BlobStore,
  input: Input,
  options: { readonly withMd5: boolean; readonly fallback: ChecksumAlgorithm },
): Promise<ReceivedBody> {
  const { Body: body } = input.members
  const contentMd5 = input.textOr('ContentMD5', null)
  const algorithm = expectedAlgorithm(input, body) ?? options.fallback
  const withMd5 = options.withMd5 || contentMd5 !== null
  const { blob, digests } = await blobs.write(bytesOfBody(body), withMd5 ? [algorithm, 'MD5'] : [algorithm])
  try {
    const value = base64(digestIn(digests, algorithm))
    const md5Bytes = withMd5 ? digestIn(digests, 'MD5') : null
    checkLength(input, blob)
    checkChecksum(algorithm, value, claimedChecksum(input, body, algorithm))
    if (contentMd5 !== null && md5Bytes !== null) checkMd5(contentMd5, base64(md5Bytes))
    return {
      blob,
      sizeBytes: sizeOf(blob),
      checksum: { algorithm, value, type: 'FULL_OBJECT' },
      md5: md5Bytes === null ? null : Buffer.from(md5Bytes).toString('hex'),
    }
  } catch (thrown) {
    await blobs.sweep(blob)
    throw thrown
  }
}

const headerOf = (algorithm: ChecksumAlgorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`

function expectedAlgorithm(input: Input, body: unknown): ChecksumAlgorithm | null {
  const byValue = CHECKSUM_ALGORITHMS.filter((algorithm) => input.has(`Checksum${algorithm}`))
  if (byValue.length > 1) throw new AwsError('InvalidRequest', 'Expecting a single x-amz-checksum- header')
  const trailers = isTrailingBody(body) ? body.trailerNames : []
  const byTrailer = CHECKSUM_ALGORITHMS.find((algorithm) => trailers.includes(headerOf(algorithm)))
  return byValue[0] ?? byTrailer ?? namedAlgorithm(input)
}

function claimedChecksum(input: Input, body: unknown, algorithm: ChecksumAlgorithm): string | null {
  const trailer = isTrailingBody(body) ? body.trailers.get(headerOf(algorithm)) : undefined
  if (isTrailingBody(body) && body.trailerNames.includes(headerOf(algorithm)) && trailer === undefined) {
    throw new AwsError('MalformedTrailerError', `The request body has no trailer ${headerOf(algorithm)}`)
  }
  return trailer ?? input.textOr(`Checksum${algorithm}`, null)
}

function checkChecksum(algorithm: ChecksumAlgorithm, actual: string, claimed: string | null): void {
  if (claimed === null || claimed === actual) return
  throw new AwsError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
}

function checkMd5(claimed: string, actual: string): void {
  if (Buffer.from(claimed, 'base64').length !== 16) {
    throw new AwsError('InvalidDigest', 'The Content-MD5 you specified was invalid.')
  }
  if (claimed === actual) return
  throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.', 400, {
    ExpectedDigest: claimed,
    CalculatedDigest: actual,
  })
}

function checkLength(input: Input, blob: Blob): void {
  const expected = input.numberOr('ContentLength', null)
  if (expected === null || expected === sizeOf(blob)) return
  throw new AwsError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the Content-Length HTTP header',
  )
}
