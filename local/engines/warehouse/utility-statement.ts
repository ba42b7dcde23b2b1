import { type Token, TokenReader, tokenize } from './lexer.ts'
import { SqlError } from './sql-error.ts'

/** A relation as a statement names it. */
export interface RelationName {
  readonly schema: string | null
  readonly name: string
}
/** Who holds a privilege or obeys a policy; `PUBLIC` is the role of that name. */
export interface Grantee {
  readonly kind: 'user' | 'role'
  readonly name: string
}
export type Securable =
  | { readonly kind: 'relation'; readonly relation: RelationName }
  | { readonly kind: 'schema'; readonly schema: string }
  | { readonly kind: 'all tables'; readonly schema: string }

export interface CopyStatement {
  readonly kind: 'copy'
  readonly table: RelationName
  readonly columns: readonly string[] | null
  readonly from: string
  readonly iamRole: string | null
  readonly format: string | null
  readonly manifest: boolean
  readonly options: readonly string[]
}

/** Statements that DuckDB has no word for, and that the translating library does not read as structure. */
export type UtilityStatement =
  | CopyStatement
  | { readonly kind: 'lock'; readonly tables: readonly RelationName[] }
  | { readonly kind: 'create role' | 'create user' | 'drop role' | 'drop user'; readonly name: string }
  | { readonly kind: 'grant role' | 'revoke role'; readonly role: string; readonly grantee: Grantee }
  | {
      readonly kind: 'grant' | 'revoke'
      readonly privileges: readonly string[]
      readonly securables: readonly Securable[]
      readonly grantees: readonly Grantee[]
    }
  | {
      readonly kind: 'create policy'
      readonly name: string
      readonly columns: readonly string[]
      /** SQL of the predicate. */
      readonly predicate: string
    }
  | { readonly kind: 'drop policy'; readonly name: string; readonly ifExists: boolean; readonly cascade: boolean }
  | {
      readonly kind: 'attach policy' | 'detach policy'
      readonly name: string
      readonly relation: RelationName
      readonly grantees: readonly Grantee[]
    }
  | { readonly kind: 'row security'; readonly relation: RelationName; readonly on: boolean }
  | { readonly kind: 'owner'; readonly relation: RelationName; readonly user: string }
  | { readonly kind: 'session authorization'; readonly user: string | null }
  | { readonly kind: 'search path'; readonly schemas: readonly string[] }
  | { readonly kind: 'vacuum' | 'analyze' }

type Parser = (reader: TokenReader, sql: string) => UtilityStatement | null

const PRIVILEGES = new Set(['select', 'insert', 'update', 'delete', 'usage', 'create', 'drop', 'references', 'alter'])

const grantee = (reader: TokenReader): Grantee => {
  if (reader.accept('role')) return { kind: 'role', name: reader.name() }
  if (reader.accept('public')) return { kind: 'role', name: 'public' }
  reader.accept('user')
  return { kind: 'user', name: reader.name() }
}

function privileges(reader: TokenReader): readonly string[] {
  if (reader.accept('all')) {
    reader.accept('privileges')
    return [...PRIVILEGES]
  }
  return reader.list(() => {
    if (!PRIVILEGES.has(reader.peek().value)) reader.fail()
    return reader.name()
  })
}

function securables(reader: TokenReader): readonly Securable[] {
  if (reader.accept('schema')) return reader.list(() => ({ kind: 'schema', schema: reader.name() }))
  if (reader.accept('all', 'tables', 'in', 'schema'))
    return reader.list(() => ({ kind: 'all tables', schema: reader.name() }))
  reader.accept('table')
  return reader.list(() => ({ kind: 'relation', relation: reader.qualifiedName() }))
}

const grantOrRevoke =
  (kind: 'grant' | 'revoke'): Parser =>
  (reader) => {
    const direction = kind === 'grant' ? 'to' : 'from'
    reader.expect(kind)
    if (reader.accept('role')) {
      const role = reader.name()
      reader.expect(direction)
      return { kind: `${kind} role`, role, grantee: grantee(reader) }
    }
    const granted = privileges(reader)
    reader.expect('on')
    const on = securables(reader)
    reader.expect(direction)
    return { kind, privileges: granted, securables: on, grantees: reader.list(() => grantee(reader)) }
  }

const printTokens = (sql: string, tokens: readonly Token[]): string =>
  sql.slice(tokens[0]?.start ?? 0, tokens.at(-1)?.end ?? 0)

function createPolicy(reader: TokenReader, sql: string): UtilityStatement {
  const name = reader.name()
  const columns: string[] = []
  if (reader.accept('with')) {
    let first = true
    for (const token of reader.parenthesized()) {
      if (first) columns.push(token.value)
      first = token.kind === 'symbol' && token.value === ','
    }
  }
  reader.expect('using')
  return { kind: 'create policy', name, columns, predicate: printTokens(sql, reader.parenthesized()) }
}

const create: Parser = (reader, sql) => {
  if (reader.accept('create', 'role')) return { kind: 'create role', name: reader.name() }
  if (reader.accept('create', 'rls', 'policy')) return createPolicy(reader, sql)
  if (!reader.accept('create', 'user')) return null
  const name = reader.name()
  reader.accept('with')
  reader.expect('password')
  if (!reader.accept('disable')) reader.text()
  return { kind: 'create user', name }
}

const drop: Parser = (reader) => {
  if (reader.accept('drop', 'role')) return { kind: 'drop role', name: reader.name() }
  if (reader.accept('drop', 'user')) return { kind: 'drop user', name: reader.name() }
  if (!reader.accept('drop', 'rls', 'policy')) return null
  const ifExists = reader.accept('if', 'exists')
  const name = reader.name()
  const cascade = reader.accept('cascade')
  if (!cascade) reader.accept('restrict')
  return { kind: 'drop policy', name, ifExists, cascade }
}

const policyOn =
  (kind: 'attach policy' | 'detach policy', word: string, direction: string): Parser =>
  (reader) => {
    reader.expect(word, 'rls', 'policy')
    const name = reader.name()
    reader.expect('on')
    reader.accept('table')
    const relation = reader.qualifiedName()
    reader.expect(direction)
    return { kind, name, relation, grantees: reader.list(() => grantee(reader)) }
  }

const alter: Parser = (reader) => {
  if (!reader.accept('alter', 'table')) return null
  const relation = reader.qualifiedName()
  if (reader.accept('owner', 'to')) return { kind: 'owner', relation, user: reader.name() }
  if (!reader.accept('row', 'level', 'security')) return null
  const on = reader.accept('on')
  if (!on) reader.expect('off')
  return { kind: 'row security', relation, on }
}

const lock: Parser = (reader) => {
  reader.expect('lock')
  reader.accept('table')
  return { kind: 'lock', tables: reader.list(() => reader.qualifiedName()) }
}

function copyOptions(reader: TokenReader): Pick<CopyStatement, 'iamRole' | 'format' | 'manifest' | 'options'> {
  const options: string[] = []
  let iamRole: string | null = null
  let format: string | null = null
  while (reader.peek().kind === 'word') {
    const option = reader.name()
    if (option === 'iam_role') iamRole = reader.accept('default') ? 'default' : reader.text()
    else if (option === 'format') {
      reader.accept('as')
      format = reader.name()
    } else {
      options.push(option)
      if (option === 'statupdate' || option === 'compupdate') if (!reader.accept('on')) reader.accept('off')
    }
  }
  return { iamRole, format, manifest: options.includes('manifest'), options }
}

const copy: Parser = (reader) => {
  reader.expect('copy')
  const table = reader.qualifiedName()
  let columns: readonly string[] | null = null
  if (reader.accept('(')) {
    columns = reader.list(() => reader.name())
    reader.expect(')')
  }
  reader.expect('from')
  const from = reader.text()
  return { kind: 'copy', table, columns, from, ...copyOptions(reader) }
}

const set: Parser = (reader) => {
  if (reader.accept('set', 'search_path')) {
    if (!reader.accept('to')) reader.expect('=')
    const schema = (): string => (reader.peek().kind === 'text' ? reader.text() : reader.name())
    return { kind: 'search path', schemas: reader.list(schema) }
  }
  reader.expect('set', 'session', 'authorization')
  if (reader.accept('default')) return { kind: 'session authorization', user: null }
  const user = reader.peek().kind === 'text' ? reader.text() : reader.name()
  return { kind: 'session authorization', user }
}

const whole =
  (kind: 'vacuum' | 'analyze'): Parser =>
  (reader) => {
    while (reader.peek().kind !== 'end') reader.next()
    return { kind }
  }

const PARSERS: Readonly<Record<string, Parser>> = {
  copy,
  lock,
  create,
  drop,
  alter,
  grant: grantOrRevoke('grant'),
  revoke: grantOrRevoke('revoke'),
  attach: policyOn('attach policy', 'attach', 'to'),
  detach: policyOn('detach policy', 'detach', 'from'),
  set,
  reset: (reader) => {
    reader.expect('reset', 'session', 'authorization')
    return { kind: 'session authorization', user: null }
  },
  vacuum: whole('vacuum'),
  analyze: whole('analyze'),
}

/**
 * Reads a statement that is ours to carry out; `null` for everything that the translator reads (queries, DML, tables, views).
 * @throws SqlError `syntax error at or near …`
 */
export function parseUtility(sql: string): UtilityStatement | null {
  const first = /^\s*(\w+)/.exec(sql)?.[1]?.toLowerCase()
  const parse = first === undefined ? undefined : PARSERS[first]
  if (parse === undefined) return null
  if (/^\s*create\s+(?:temp|table|schema|view|or|materialized)/i.test(sql)) return null
  const reader = new TokenReader(tokenize(sql))
  const statement = parse(reader, sql)
  if (statement === null) return null
  if (statement.kind === 'copy' && statement.iamRole === null)
    throw new SqlError('COPY requires credentials: give IAM_ROLE')
  reader.end()
  return statement
}
