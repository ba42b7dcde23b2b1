import { describe, expect, test } from '@jest/globals'
import { groupCommit } from '../../../local/states/group-commit.ts'

const turn = (): Promise<void> => new Promise(setImmediate)

describe('group commit', () => {
  test('what is asked for while a commit runs shares the next one', async () => {
    let commits = 0
    const commit = groupCommit(async (work) => {
      commits += 1
      work()
      await turn()
    })
    const done: number[] = []
    await Promise.all([1, 2, 3, 4].map((each) => commit(() => done.push(each))))
    expect({ commits, done }).toEqual({ commits: 2, done: [1, 2, 3, 4] })
  })

  test('a work that throws fails for itself only', async () => {
    const kept: number[] = []
    const commit = groupCommit(async (work) => {
      const before = [...kept]
      await turn()
      try {
        work()
      } catch (thrown) {
        kept.splice(0, kept.length, ...before)
        throw thrown
      }
    })
    const outcomes = await Promise.allSettled([
      commit(() => kept.push(1)),
      commit(() => kept.push(2)),
      commit(() => {
        throw new Error('no')
      }),
      commit(() => kept.push(4)),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
    expect(kept).toEqual([1, 2, 4])
  })
})
