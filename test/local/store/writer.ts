/** Run by a test as a process of its own: writes numbers, says each one once it is durable, and is killed on the way. */

import { SluiceError } from '../../../core/errors.ts'
import { openStore } from '../../../local/store.ts'

const store = openStore(process.argv[2] ?? '')
const written = store.collection<number>('written')
const pairs = store.collection<number>('pairs')
const ballast = store.collection<string>('ballast')
/** With every number, so that a small disk is soon full. */
const ballastBytes = Number(process.argv[3] ?? 0)
try {
  for (let number = 0; ; number += 1) {
    await store.transaction(() => {
      written.put([number], number)
      if (ballastBytes > 0) ballast.put([number], 'x'.repeat(ballastBytes))
      pairs.put([number, 'a'], number)
      pairs.put([number, 'b'], number)
    })
    process.stdout.write(`${number}\n`)
  }
} catch (thrown) {
  process.stdout.write(
    `${thrown instanceof SluiceError ? `${thrown.code}: ${thrown.message} (${thrown.hint})` : String(thrown)}\n`,
  )
}
