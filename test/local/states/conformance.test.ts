import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { memoryStore } from '../../../local/memory-store.ts'
import { type ConformanceCase, parseCase } from '../../../local/states/conformance/case.ts'
import { type ActualExecution, compareExecution } from '../../../local/states/conformance/compare.ts'
import { openCase, runCase } from '../../../local/states/conformance/run-case.ts'
import { crashingStore } from './crashing-store.ts'

/** The recordings are kept beside the repository, not in it. */
const FOLDER = resolve('..', 'shared', 'conformance', 'asl')
const CASES = existsSync(FOLDER)
  ? readdirSync(FOLDER)
      .filter((name) => name.endsWith('.json'))
      .map((name) => parseCase(readFileSync(join(FOLDER, name), 'utf8')))
  : []
if (CASES.length === 0) process.stderr.write(`skipped: no recordings of executions, as ${FOLDER} is not there\n`)
const describeRecorded = CASES.length === 0 ? describe.skip : describe

describeRecorded('executions that AWS recorded', () => {
  test.each(CASES.map((recorded) => [recorded.id, recorded] as const))(
    '%s runs as recorded, event for event',
    async (_, recorded) => {
      expect((await runCase(recorded)).differences).toEqual([])
    },
  )

  test('an execution that is killed at any commit goes on to the recorded end', async () => {
    const wrong: string[] = []
    for (const recorded of CASES) wrong.push(...(await killedEverywhere(recorded)))
    expect(wrong).toEqual([])
  })
})

const MAX_COMMITS = 40

/** Kills the executor after each number of commits that the case takes, and resumes. */
async function killedEverywhere(recorded: ConformanceCase): Promise<readonly string[]> {
  const wrong: string[] = []
  for (let lives = 1; lives < MAX_COMMITS; lives += 1) {
    const actual = await killedAfter(recorded, lives)
    if (actual === null || recorded.expected === null) return wrong
    const found = compareExecution(recorded.expected, actual)
    wrong.push(...found.map((difference) => `${recorded.id} after ${lives} commits: ${difference}`))
  }
  return wrong
}

/** `null` when the case ends with fewer commits. */
async function killedAfter(recorded: ConformanceCase, lives: number): Promise<ActualExecution | null> {
  const store = memoryStore()
  const crashing = crashingStore(store)
  const first = openCase(recorded, crashing)
  await first.create()
  crashing.arm(lives)
  const executionArn = await first.start()
  const ended = first.states.whenClosed(executionArn).then(() => true)
  const alive = await Promise.race([ended, crashing.crashed.then(() => false)])
  await first.states.close()
  if (alive) return null
  const second = openCase(recorded, store, 1)
  await second.states.resume()
  const actual = await second.finish(executionArn)
  await second.states.close()
  return actual
}
