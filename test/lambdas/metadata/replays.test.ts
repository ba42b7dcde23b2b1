import { describe } from '@jest/globals'
import { ENGINES } from './databases.ts'
import { decisionTests } from './replay-decision-cases.ts'
import { replayHarness } from './replay-harness.ts'
import { historyTests } from './replay-history-cases.ts'
import { lifeTests } from './replay-life-cases.ts'

describe.each(ENGINES)('replays on $name', (engine) => {
  const harness = replayHarness(engine)
  decisionTests(harness)
  lifeTests(harness)
  historyTests(harness)
})
