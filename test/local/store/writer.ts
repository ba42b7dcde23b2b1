/** Run by a test as a process of its own: writes numbers, says each one once it is durable, and is killed on the way. */

import { openStore } from '../../../local/store.ts'

const store = openStore(process.argv[2] ?? '')
const written = store.collection<number>('written')
const pairs = store.collection<number>('pairs')
for (let number = 0; ; number += 1) {
  await store.transaction(() => {
    written.put([number], number)
    pairs.put([number, 'a'], number)
    pairs.put([number, 'b'], number)
  })
  process.stdout.write(`${number}\n`)
}
