/**
 * Loaded into the process of the runtime (`--import`): on SIGUSR2 it frees what nothing holds any more and writes what is left
 * to the file that SLUICE_MEMORY_REPORT names.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { isMainThread } from 'node:worker_threads'

const file = process.env.SLUICE_MEMORY_REPORT
const PROCESS = '/proc/self/status'

/** Pages of the process that are of no file, engines outside of JavaScript included; the heap's where the system does not tell. */
function anonymousBytes() {
  const kilobytes = existsSync(PROCESS) ? /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(PROCESS, 'utf8'))?.[1] : undefined
  return kilobytes === undefined ? process.memoryUsage().heapTotal : Number(kilobytes) * 1024
}

if (isMainThread && file !== undefined) {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc')
  process.on('SIGUSR2', () => {
    collectGarbage()
    const report = { heapBytes: process.memoryUsage().heapUsed, anonymousBytes: anonymousBytes() }
    writeFileSync(`${file}.part`, JSON.stringify(report))
    renameSync(`${file}.part`, file)
  })
}
