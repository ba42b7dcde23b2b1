import { tokenize } from '../engines/warehouse/lexer.ts'
import { AwsError } from '../service.ts'

export interface SqlParameter {
  readonly name: string
  readonly value: string
}

/**
 * Puts parameters where `:name` stands: values only, as text that the database casts. `::` is a cast, and `:` inside of a
 * literal is text.
 * @param used names that some statement of the batch has used; the caller refuses the others
 */
export function bindParameters(sql: string, parameters: readonly SqlParameter[], used: Set<string>): string {
  if (parameters.length === 0) return sql
  const tokens = tokenize(sql)
  let bound = ''
  let position = 0
  tokens.forEach((token, index) => {
    const before = tokens[index - 1]
    const name = tokens[index + 1]
    const starts = token.kind === 'symbol' && token.value === ':' && before?.value !== ':' && name?.start === token.end
    if (!starts || name?.kind !== 'word') return
    const text = sql.slice(name.start, name.end)
    const parameter = parameters.find((candidate) => candidate.name === text)
    if (parameter === undefined) throw new AwsError('ValidationException', `Parameter ${text} has no value`)
    used.add(parameter.name)
    bound += `${sql.slice(position, token.start)}'${parameter.value.replaceAll("'", "''")}'`
    position = name.end
  })
  return bound + sql.slice(position)
}

/** @throws AwsError `ValidationException` for a parameter that no statement uses, or that is empty */
export function bindAll(sqls: readonly string[], parameters: readonly SqlParameter[]): readonly string[] {
  const empty = parameters.find(({ value }) => value === '')
  if (empty !== undefined)
    throw new AwsError('ValidationException', `Parameter ${empty.name} must not be an empty string`)
  const used = new Set<string>()
  const bound = sqls.map((sql) => bindParameters(sql, parameters, used))
  const unused = parameters.filter(({ name }) => !used.has(name)).map(({ name }) => name)
  if (unused.length > 0)
    throw new AwsError(
      'ValidationException',
      `Parameters list contains unused parameters. Unused parameters: [${unused.join(', ')}]`,
    )
  return bound
}
