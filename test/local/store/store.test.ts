import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { memoryStore } from '../../../local/memory-store.ts'
import type { Store } from '../../../local/service.ts'
import { openStore, openStoreReader } from '../../../local/store.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const STORES = [
  { engine: 'lmdb', open: (): Store => openStore(folder) },
  { engine: 'memory', open: (): Store => memoryStore() },
]

describe.each(STORES)('$engine store', ({ open }) => {
  let store: Store
  beforeEach(() => {
    store = open()
  })
  afterEach(() => store.close())

  test('gives back what was put and nothing after it was removed', async () => {
    const jobs = store.collection<{ status: string }>('jobs')
    await jobs.put(['acme', 1], { status: 'PENDING' })
    expect(jobs.get(['acme', 1])).toEqual({ status: 'PENDING' })
    await jobs.remove(['acme', 1])
    expect(jobs.get(['acme', 1])).toBeUndefined()
  })

  test('keeps collections and single-part keys apart', async () => {
    await store.collection<number>('a').put(['x'], 1)
    await store.collection<number>('b').put(['x'], 2)
    expect(store.collection<number>('a').get(['x'])).toBe(1)
    expect([...store.collection<number>('a').range([])]).toEqual([{ key: ['x'], value: 1 }])
  })

  test('ranges over a prefix in key order: numbers before texts, texts by UTF-8 bytes', async () => {
    const keys = store.collection<number>('keys')
    const inOrder = [
      ['b', 2],
      ['b', 10],
      ['b', ''],
      ['b', 'A'],
      ['b', 'a'],
      ['b', 'a', 0],
      ['b', 'a b'],
      ['b', 'a/b'],
      ['b', 'é'],
      ['b', '\uFFFD'],
      ['b', '😀'],
    ]
    for (const key of [...inOrder].reverse()) await keys.put(key, 1)
    await keys.put(['bb'], 1)
    await keys.put(['a', 'z'], 1)
    expect([...keys.range(['b'])].map(({ key }) => key)).toEqual(inOrder)
    expect([...keys.range(['b'], { reverse: true, limit: 2 })].map(({ key }) => key)).toEqual([
      ['b', '😀'],
      ['b', '\uFFFD'],
    ])
    expect([...keys.range(['b'], { after: ['b', 'a'], limit: 2 })].map(({ key }) => key)).toEqual([
      ['b', 'a', 0],
      ['b', 'a b'],
    ])
    expect([...keys.range(['b'], { after: ['b', 10], reverse: true })].map(({ key }) => key)).toEqual([['b', 2]])
    expect([...keys.range([], { limit: 1 })].map(({ key }) => key)).toEqual([['a', 'z']])
  })

  test('writes of a transaction are all there or, when it throws, none', async () => {
    const counts = store.collection<number>('counts')
    await counts.put(['kept'], 1)
    const result = await store.transaction(() => {
      counts.put(['one'], 1)
      counts.put(['two'], (counts.get(['one']) ?? 0) + 1)
      return counts.get(['two'])
    })
    expect(result).toBe(2)
    const failed = store.transaction(() => {
      counts.put(['kept'], 99)
      counts.remove(['one'])
      counts.put(['three'], 3)
      throw new Error('given up')
    })
    await expect(failed).rejects.toThrow('given up')
    expect([...counts.range([])].map(({ key, value }) => [key[0], value])).toEqual([
      ['kept', 1],
      ['one', 1],
      ['two', 2],
    ])
  })

  test('transactions asked for together see each other in order', async () => {
    const counter = store.collection<number>('counter')
    const increments = Array.from({ length: 200 }, () =>
      store.transaction(() => {
        const next = (counter.get(['n']) ?? 0) + 1
        counter.put(['n'], next)
        return next
      }),
    )
    expect(await Promise.all(increments)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
  })
})

describe('a state folder', () => {
  test('keeps its values over a restart', async () => {
    const first = openStore(folder)
    await first.collection<string>('words').put(['a', 1], 'kept')
    await first.close()
    const second = openStore(folder)
    expect(second.collection<string>('words').get(['a', 1])).toBe('kept')
    await second.close()
  })

  test('is refused to a second runtime and free after the first closed', async () => {
    const first = openStore(folder)
    expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: 'state_in_use' }))
    await first.close()
    await openStore(folder).close()
  })

  test('that a killed runtime left is taken over with everything it had acknowledged, and no half of a transaction', async () => {
    const writer = spawn(process.execPath, ['--import', 'tsx', join(import.meta.dirname, 'writer.ts'), folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    for await (const chunk of writer.stdout) {
      said += String(chunk)
      if (said.split('\n').length > 50) break
    }
    expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: 'state_in_use' }))
    writer.kill('SIGKILL')
    await once(writer, 'exit')
    const acknowledged = said.slice(0, said.lastIndexOf('\n')).split('\n').map(Number)
    const store = openStore(folder)
    const written = store.collection<number>('written')
    expect(acknowledged.filter((number) => written.get([number]) !== number)).toEqual([])
    const all = [...written.range([])].map(({ value }) => value)
    const pairs = [...store.collection<number>('pairs').range([])].map(({ value }) => value)
    expect(pairs).toEqual(all.flatMap((number) => [number, number]))
    await store.close()
  })

  test('on a disk that is full refuses the write with what to do, and has what it acknowledged, and no half of a transaction', async () => {
    const limited = ['-c', 'ulimit -f 1024; exec "$@"', 'bash', process.execPath, '--import', 'tsx']
    const writer = spawn('bash', [...limited, join(import.meta.dirname, 'writer.ts'), folder, '20000'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let said = ''
    const gone = once(writer, 'exit')
    for await (const chunk of writer.stdout) said += String(chunk)
    await gone
    const lines = said.trimEnd().split('\n')
    expect(lines.at(-1)).toMatch(/^state_write_failed: Cannot write to the state folder .*neither full nor read-only/)
    const acknowledged = lines.slice(0, -1).map(Number)
    expect(acknowledged.length).toBeGreaterThan(10)
    const store = openStore(folder)
    expect([...store.collection<number>('written').range([])].map(({ value }) => value)).toEqual(acknowledged)
    const pairs = [...store.collection<number>('pairs').range([])].map(({ value }) => value)
    expect(pairs).toEqual(acknowledged.flatMap((number) => [number, number]))
    await store.collection<number>('written').put([-1], -1)
    await store.close()
  })

  test.each([
    { what: 'no database', damage: () => Buffer.from('not a database'.repeat(1000)) },
    { what: 'an empty page', damage: () => Buffer.alloc(4096) },
    { what: 'cut short', damage: (whole: Buffer) => whole.subarray(0, 8192) },
  ])('whose store is $what is refused as unreadable, and left as it is', async ({ damage }) => {
    const other = mkdtempSync(join(tmpdir(), 'store-'))
    const store = openStore(other)
    for (let number = 0; number < 5; number += 1)
      await store.collection<string>('words').put([number], 'x'.repeat(3000))
    await store.close()
    const file = join(folder, 'store', 'data.mdb')
    mkdirSync(join(folder, 'store'))
    const content = damage(readFileSync(join(other, 'store', 'data.mdb')))
    writeFileSync(file, content)
    rmSync(other, { recursive: true })
    expect(() => openStore(folder)).toThrow(expect.objectContaining({ code: 'state_unreadable' }))
    expect(readFileSync(file).equals(content)).toBe(true)
  })

  test('can be read beside the process that owns it', async () => {
    const store = openStore(folder)
    const reader = openStoreReader(folder)
    await store.collection<string>('words').put(['a'], 'kept')
    reader.refresh()
    expect(reader.collection<string>('words').get(['a'])).toBe('kept')
    await reader.close()
    await store.close()
    expect(() => openStoreReader(join(folder, 'nowhere'))).toThrow(
      expect.objectContaining({ code: 'state_unreadable' }),
    )
  })

  test('that cannot be one is refused with what is wrong', () => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    expect(() => openStore(join(file, 'state'))).toThrow(expect.objectContaining({ code: 'state_unreadable' }))
  })
})
