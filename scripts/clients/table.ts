/** Operations by clients. */
import { CLIENT_NAMES } from './client.ts'
import type { CallRecord } from './stage.ts'

/**
 * Prints a line for each operation, and what was wrong.
 * @param implemented operations that every client must have called; `null` where only a part was played
 * @returns how many calls were wrong or missing
 */
export function printTable(
  records: readonly CallRecord[],
  implemented: Readonly<Record<string, readonly string[]>> | null,
): number {
  const rows = new Map<string, CallRecord[]>()
  for (const [service, operations] of Object.entries(implemented ?? {})) {
    for (const operation of operations) rows.set(`${service} ${operation}`, [])
  }
  for (const record of records) {
    const name = `${record.service} ${record.operation}`
    rows.set(name, [...(rows.get(name) ?? []), record])
  }
  const width = Math.max(...[...rows.keys()].map((name) => name.length))
  console.log(`${'operation'.padEnd(width)}  ${CLIENT_NAMES.join('  ')}`)
  let missing = 0
  for (const [name, calls] of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const cells = CLIENT_NAMES.map((client) => {
      const own = calls.filter((call) => call.client === client)
      const wrong = own.filter((call) => call.wrong !== null).length
      const isCheck = name.includes(': ')
      const isMissing = own.length === 0 && !isCheck && implemented !== null
      if (isMissing) missing += 1
      return (own.length === 0 ? (isMissing ? 'not called' : '–') : wrong > 0 ? `${wrong} WRONG` : 'ok').padEnd(
        client.length,
      )
    })
    console.log(`${name.padEnd(width)}  ${cells.join('  ')}`)
  }
  const wrong = records.filter((record) => record.wrong !== null)
  for (const record of wrong) console.log(`\n${record.client}: ${record.service} ${record.wrong}`)
  return wrong.length + missing
}
