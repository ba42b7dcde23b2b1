import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { bucketOf } from '../../cli/deployment.ts'
import { deployedState, ingest, type RunningRuntime, rowsOf, scratchFolder, up } from './harness.ts'
import { executionsOf } from './history.ts'
import { machineArn } from './operator.ts'

const MIB = 1024 * 1024
/** Above what the engines write for a small job, below the object. */
const LIMIT_MIB = 40
/** As a disk that is full for large files: whatever the process writes beyond the limit is refused by the system. */
const LIMITED = ['bash', '-c', `ulimit -f ${LIMIT_MIB * 1024}; exec "$@"`, 'bash']

const scratch = scratchFolder('disk')
let runtime: RunningRuntime
let state = ''

beforeAll(async () => {
  state = await deployedState(scratch.path)
  runtime = await up(state, { launcher: LIMITED })
}, 240_000)

afterAll(async () => {
  await runtime.stop()
  await scratch.remove()
})

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(folder, name)).isFile())

describe('a disk that takes no more', () => {
  test('refuses the object with what is wrong, keeps no part of it and tells no event', async () => {
    const { s3, lambda, states } = runtime.clients
    const before = filesBelow(join(state, 'objects')).length
    const place = { Bucket: await bucketOf(lambda, 'RAW'), Key: 'landing/acme/orders/large.csv' }
    const Body = Buffer.alloc((LIMIT_MIB + 4) * MIB, 'x')
    await expect(s3.send(new PutObjectCommand({ ...place, Body }))).rejects.toMatchObject({
      message: expect.stringMatching(/Cannot write to the state folder .*(?:file too large|no space left)/),
    })
    await expect(s3.send(new HeadObjectCommand(place))).rejects.toMatchObject({ name: 'NotFound' })
    expect(filesBelow(join(state, 'objects'))).toHaveLength(before)
    expect(await executionsOf(states, await machineArn(states, 'ingest'))).toEqual([])
  }, 120_000)

  test('goes on with what still fits', async () => {
    const header =
      'order_id,customer_id,email,status,quantity,unit_price,amount,currency,discount,priority,ordered_at,updated_at,notes'
    const job = await ingest(
      runtime,
      scratch.path,
      { tenant: 'acme', dataset: 'orders', name: 'none.csv' },
      `${header}\n`,
    )
    expect(['COMPLETED', 'QUARANTINED']).toContain(job.status)
    expect(await rowsOf(runtime, 'select count(*) as n from orders')).toEqual([{ n: '0' }])
  }, 120_000)
})

describe('a state folder', () => {
  test('is refused to a second runtime, and the first one goes on', async () => {
    await expect(up(state)).rejects.toThrow(/state_in_use/)
    expect(await rowsOf(runtime, 'select count(*) as n from orders')).toEqual([{ n: '0' }])
  }, 60_000)

  test('whose store is no database is refused with what is wrong', async () => {
    const broken = await deployedState(join(scratch.path, 'broken'))
    writeFileSync(join(broken, 'store', 'data.mdb'), 'not a database'.repeat(1000))
    await expect(up(broken)).rejects.toThrow(/state_unreadable.*data\.mdb is not the database of a state folder/s)
  }, 60_000)
})
