import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inflateRawSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { RULE_FORMS } from '../../dqdl/rule-types.ts'
import { Lexer, RESERVED_WORDS } from '../../dqdl/tokens.ts'

const CENTRAL_HEADER = Buffer.from('PK\u0001\u0002', 'latin1')

/** The files of a ZIP archive, by its directory. */
function filesOf(archive: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (let at = archive.indexOf(CENTRAL_HEADER); at !== -1; at = archive.indexOf(CENTRAL_HEADER, at + 46)) {
    const nameLength = archive.readUInt16LE(at + 28)
    const local = archive.readUInt32LE(at + 42)
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const data = archive.subarray(start, start + archive.readUInt32LE(at + 20))
    files.set(archive.toString('utf8', at + 46, at + 46 + nameLength), inflateRawSync(data))
  }
  return files
}

const grammar: { repository: Record<string, { match?: string; begin?: string; end?: string }> } = JSON.parse(
  readFileSync('editors/vscode/syntaxes/dqdl.tmLanguage.json', 'utf8'),
)
const pattern = (name: string): string => grammar.repository[name]?.match ?? grammar.repository[name]?.begin ?? ''
/** The words of a pattern `(?<!…)(?:a|b)(?!…)`. */
const wordsOf = (name: string): readonly string[] => /\(\?:([\w|]+)\)/.exec(pattern(name))?.[1]?.split('|') ?? []

describe('extension for Visual Studio Code', () => {
  test('is packaged with its grammar and a client that needs nothing but the editor', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-vsix-'))
    try {
      const run = spawnSync(process.execPath, ['--import', 'tsx', 'scripts/package-vscode.ts', folder], {
        encoding: 'utf8',
      })
      expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' })
      const files = filesOf(readFileSync(join(folder, 'sluice-dqdl-0.1.0.vsix')))
      const manifest = JSON.parse(files.get('extension/package.json')?.toString() ?? '')
      const named = [
        manifest.main,
        manifest.contributes.grammars[0].path,
        manifest.contributes.languages[0].configuration,
      ]
      for (const path of named) expect([...files.keys()]).toContain(join('extension', path))
      expect([...files.keys()]).toEqual(expect.arrayContaining(['extension.vsixmanifest', '[Content_Types].xml']))
      const required =
        files
          .get('extension/dist/extension.cjs')
          ?.toString()
          .matchAll(/\brequire\("([^"]+)"\)/g) ?? []
      const packages = [...required].flatMap(([, name = '']) => (isBuiltin(name) ? [] : [name]))
      expect([...new Set(packages)]).toEqual(['vscode'])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('colours exactly the rule types and reserved words of the parser', () => {
    expect(new Set(wordsOf('ruleType'))).toEqual(new Set(RULE_FORMS.map(({ type }) => type)))
    const words = ['section', 'keyword', 'unit', 'constant'].flatMap(wordsOf)
    expect(new Set(words)).toEqual(RESERVED_WORDS)
  })

  test('sees strings, dates, numbers and comments where the parser sees them', () => {
    const text = readFileSync('dq-rules/orders.dqdl', 'utf8')
    const lexer = new Lexer(text)
    const names = {
      day: 'date',
      time24: 'date',
      time12: 'date',
      integer: 'number',
      decimal: 'number',
      now: 'constant',
    } as const
    for (let token = lexer.next(); token.kind !== 'end'; token = lexer.next()) {
      if (!(token.kind in names)) continue
      const found = new RegExp(pattern(names[token.kind as keyof typeof names]), 'y')
      found.lastIndex = token.offset
      expect(found.exec(text)?.[0]).toBe(text.slice(token.offset, token.end))
    }
    expect(text.match(new RegExp(pattern('comment'), 'gm'))).toHaveLength(5)
  })
})
