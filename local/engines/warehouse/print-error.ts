import { messageOf } from '../../../core/errors.ts'
import { cannotBeNull, tooLong } from './column-limits.ts'

/** DuckDB's words for what Redshift words otherwise; the rest keeps DuckDB's. */
export function printError(thrown: unknown): string {
  const message = messageOf(thrown)
  const check =
    /CHECK constraint failed on table (.+?) with expression .*?strlen\("?([^")]+)"?\).*?<= ?(?:CAST\()?'?(\d+)/is.exec(
      message,
    )
  if (check !== null) return `ERROR: ${tooLong(check[2] ?? '', check[3] ?? '')}`
  const notNull = /NOT NULL constraint failed: (?:.*\.)?(\w+)/.exec(message)
  if (notNull !== null) return `ERROR: ${cannotBeNull(notNull[1] ?? '')}`
  if (/Divide by zero/.test(message)) return 'ERROR: Divide by zero'
  if (/INTERRUPT/i.test(message)) return 'ERROR: Query cancelled on user request'
  return `ERROR: ${message.replace(/^(?:Binder|Catalog|Parser|Conversion|Constraint|Invalid Input|Out of Range) Error: /, '')}`
}
