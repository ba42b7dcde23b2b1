/** Hashes and checksums by name. A plain module, as the threads that compute them are started by Node itself. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Crc32c, Crc64Nvme } from '@aws-sdk/checksums/crc'

const crc32Digester = () => {
  let value = 0
  return {
    update: (bytes) => {
      value = crc32(bytes, value)
    },
    digest: async () => Buffer.from(value.toString(16).padStart(8, '0'), 'hex'),
  }
}

const hashDigester = (algorithm) => {
  const hash = createHash(algorithm)
  return { update: (bytes) => void hash.update(bytes), digest: async () => hash.digest() }
}

const DIGESTERS = {
  MD5: () => hashDigester('md5'),
  SHA1: () => hashDigester('sha1'),
  SHA256: () => hashDigester('sha256'),
  CRC32: crc32Digester,
  CRC32C: () => new Crc32c(),
  CRC64NVME: () => new Crc64Nvme(),
}

export const digesterOf = (algorithm) => DIGESTERS[algorithm]()
