/** How far the heap may grow while large bodies pass. */

import { setFlagsFromString } from 'node:v8'

/** Growth from one collection of the whole heap to the next, in percent of what is in use: the most that V8 itself chooses. */
const GROWTH_PERCENT = 300
const AS_V8_CHOOSES = 0

let bodies = 0

/**
 * Lets the heap grow until the function it returns is called. V8 counts the chunks of a passing body, though soon dropped,
 * towards the size at which it collects the whole heap: every 25 MB once a runtime had been quiet, and that cost more
 * processor time than everything else. Small collections free the chunks all the same.
 */
export function beginHeapGrowth(): () => void {
  bodies += 1
  if (bodies === 1) setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
  let ended = false
  return () => {
    if (ended) return
    ended = true
    bodies -= 1
    if (bodies === 0) setFlagsFromString(`--heap-growing-percent=${AS_V8_CHOOSES}`)
  }
}
