/** Objects: many small ones beside moto, a large one beside what any tool needs to read or copy the file. */
import { once } from 'node:events'
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { BenchContext } from '../context.ts'
import { runCommand } from '../processes.ts'
import { alone, type Measurement, type Report, round } from '../report.ts'
import { MOTO, startPeer } from '../states/servers.ts'
import { type Endpoint, type SignedClient, signedClient } from '../states/signed-client.ts'

const SMALL_BYTES = 1_024
const AT_ONCE = 16

interface PutAndGet {
  readonly put: number
  readonly get: number
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1_000
}

async function inParallel(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next
      next += 1
      await work(index)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function newBucket(client: SignedClient): Promise<string> {
  const bucket = `bench-${Date.now()}`
  await client.object('PUT', `/${bucket}`)
  return bucket
}

async function smallAt(endpoint: Endpoint, count: number): Promise<PutAndGet> {
  const client = signedClient(endpoint)
  try {
    const bucket = await newBucket(client)
    const body = Buffer.alloc(SMALL_BYTES, 'sluice ')
    const pathOf = (index: number): string => `/${bucket}/small/${index % 100}/${index}.json`
    const put = await timed(() => inParallel(count, (index) => client.object('PUT', pathOf(index), body)))
    const get = await timed(() => inParallel(count, (index) => client.object('GET', pathOf(index))))
    return { put, get }
  } finally {
    client.close()
  }
}

/** Objects of 1 KiB, 16 requests at once. */
export async function smallObjects(context: BenchContext): Promise<Report> {
  const { objects } = context.sizes
  const runtime = await context.runtime()
  const own = await smallAt(runtime.endpoint, objects)
  const server = await startPeer(MOTO, context.scratch)
  if (typeof server === 'string') return { measurements: [], skipped: [{ name: 's3-objects', reason: server }] }
  try {
    const moto = await smallAt(server.endpoint, objects)
    return {
      measurements: (['put', 'get'] as const).map((way) => ({
        ...beside(`s3-objects ${way}`, own[way], 'moto', moto[way]),
        rows: objects,
        perSecond: { unit: 'objects', own: Math.round(objects / own[way]), peer: Math.round(objects / moto[way]) },
      })),
      skipped: [],
    }
  } finally {
    await server.stop()
  }
}

/** One large object, beside the slowest of md5sum, sha256sum and cp with sync on the same file. */
export async function largeObject(context: BenchContext): Promise<Report> {
  const { objectMb } = context.sizes
  const file = join(context.scratch, 'large.bin')
  await writeLarge(file, objectMb)
  const runtime = await context.runtime()
  const client = signedClient(runtime.endpoint)
  try {
    const bucket = await newBucket(client)
    const put = await timed(() => putFile(runtime.endpoint, bucket, file))
    const get = await timed(async () => {
      const length = await client.drain(`/${bucket}/large`)
      if (length !== objectMb * 1024 ** 2) throw new Error(`Got ${length} bytes of the large object`)
    })
    const tools = await slowestTool(file, join(context.scratch, 'copy.bin'))
    return {
      measurements: [
        { ...beside('s3-large put', put, tools.name, tools.seconds), peakMb: runtime.peakMb() },
        beside('s3-large get', get, tools.name, tools.seconds),
        ...tools.all.map(([name, seconds]) => alone(`  ${name}`, seconds)),
      ],
      skipped: [],
    }
  } finally {
    client.close()
  }
}

/** As any program puts a file: by the SDK, streamed, with the checksum that it sends by itself. */
async function putFile({ url, region, credentials }: Endpoint, Bucket: string, file: string): Promise<void> {
  const s3 = new S3Client({ endpoint: url, region, credentials, forcePathStyle: true, maxAttempts: 1 })
  try {
    const Body = createReadStream(file, { highWaterMark: PIECE_BYTES })
    await s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body, ContentLength: statSync(file).size }))
  } finally {
    s3.destroy()
  }
}

const beside = (name: string, seconds: number, peer: string, peerSeconds: number): Measurement => ({
  ...alone(name, seconds),
  peer,
  peerSeconds: round(peerSeconds),
  ratio: round(seconds / peerSeconds),
})

const TOOLS: Readonly<Record<string, (file: string, copy: string) => string>> = {
  md5sum: (file) => `md5sum '${file}'`,
  sha256sum: (file) => `sha256sum '${file}'`,
  'cp and sync': (file, copy) => `cp '${file}' '${copy}' && sync '${copy}' && rm '${copy}'`,
}

async function slowestTool(file: string, copy: string) {
  const all: (readonly [string, number])[] = []
  for (const [name, command] of Object.entries(TOOLS)) {
    const { code, stderr, seconds } = await runCommand('sh', ['-c', command(file, copy)])
    if (code !== 0) throw new Error(`${name}: ${stderr}`)
    all.push([name, seconds])
  }
  const [name, seconds] = all.reduce((slowest, each) => (each[1] > slowest[1] ? each : slowest))
  return { all, name, seconds }
}

const PIECE_BYTES = 1024 ** 2

/** Bytes that differ from MiB to MiB. */
async function writeLarge(file: string, mebibytes: number): Promise<void> {
  const stream = createWriteStream(file)
  for (let piece = 0; piece < mebibytes; piece += 1) {
    const bytes = Buffer.alloc(PIECE_BYTES, `${piece}:sluice `)
    if (!stream.write(bytes)) await once(stream, 'drain')
  }
  stream.end()
  await finished(stream)
}
