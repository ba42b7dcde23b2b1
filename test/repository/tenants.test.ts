import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'

/** Where code decides; the command's help names tenants in its examples, and the demo plays some. */
const SOURCES = ['asl', 'core', 'dqdl', 'glue', 'infra', 'lambdas', 'local', 'warehouse']

const filesOf = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs|py|json|sql)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))

test('SCH-15: no source names a tenant or a tenant’s column; a tenant is its mapping files', () => {
  const mappings = readdirSync(join('contracts', 'mappings'))
  const tenants = [...new Set(mappings.map((file) => file.split('.')[0] ?? ''))]
  const columns = mappings.flatMap((file) =>
    [...readFileSync(join('contracts', 'mappings', file), 'utf8').matchAll(/source: "?([^",}]+)"?,/g)].map(
      ([, column = '']) => column,
    ),
  )
  expect(tenants.length).toBeGreaterThan(2)
  // Words that code uses for other things say nothing.
  const telling = columns.filter((column) => /[a-z][A-Z]|[äöü:-]/.test(column))
  expect(telling.length).toBeGreaterThan(10)
  const named = SOURCES.flatMap(filesOf).flatMap((file) => {
    const text = readFileSync(file, 'utf8')
    const found = [
      ...tenants.filter((tenant) => new RegExp(`\\b${tenant}\\b`, 'i').test(text)),
      ...telling.filter((column) => text.includes(`'${column}'`) || text.includes(`"${column}"`)),
    ]
    return found.length === 0 ? [] : [{ file, found }]
  })
  expect(named).toEqual([])
})
