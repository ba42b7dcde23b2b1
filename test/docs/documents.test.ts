import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from '@jest/globals'
import { OPERATIONAL_NAMES } from '../../core/curated-columns.ts'
import { isJsonObject } from '../../core/json.ts'
import { parseContract } from '../../core/parse-contract.ts'
import { checkMappingAgainstContract, parseMapping, TRANSFORM_NAMES } from '../../core/parse-mapping.ts'
import contractSchema from '../../core/schemas/contract.v1.schema.json' with { type: 'json' }
import mappingSchema from '../../core/schemas/mapping.v1.schema.json' with { type: 'json' }
import { lintRuleset } from '../../dqdl/lint.ts'
import { checkMappingTypes } from '../../glue/check-mapping.ts'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const markdownOf = (folder: string): string[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))
const DOCUMENTS = ['.', 'docs', 'docs/decisions', 'local', 'dqdl'].flatMap(markdownOf)

/** Targets of links to files of the repository, without the anchor. */
const localLinks = (text: string): string[] =>
  [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target)

const membersOf = (value: unknown, name: string): string[] => {
  const member = isJsonObject(value) ? value[name] : undefined
  return isJsonObject(member) ? Object.keys(member) : []
}

describe('documents', () => {
  test.each(DOCUMENTS)('every link of %s leads to a file', (file) => {
    const broken = localLinks(read(file)).filter((target) => !existsSync(join(root, dirname(file), target)))
    expect(broken).toEqual([])
  })

  test('every npm script that is named exists', () => {
    const scripts = membersOf(JSON.parse(read('package.json')), 'scripts')
    const named = DOCUMENTS.flatMap((file) =>
      [...read(file).matchAll(/npm run ([a-z][a-z:-]*)/g)].map(([, name]) => name),
    )
    expect(named.filter((name) => !scripts.includes(name ?? ''))).toEqual([])
  })

  test('every dependency is argued for', () => {
    const text = read('docs/dependencies.md')
    const project: unknown = JSON.parse(read('package.json'))
    const packages = [...membersOf(project, 'dependencies'), ...membersOf(project, 'devDependencies')]
    // In a list of clients the common beginning of their names stands once.
    const shortOf = (name: string): string => name.replace('@aws-sdk/client-', '-').replace(/^@types\/.*/, '@types/*')
    const argued = (name: string): boolean =>
      [name, shortOf(name), name.replace('@aws-sdk/', '')].some((form) => text.includes(`\`${form}\``))
    expect(packages.filter((name) => !argued(name))).toEqual([])
  })
})

describe('the guide for data engineers', () => {
  const guide = read('docs/for-data-engineers.md')
  const fileOf = (path: string): string => {
    const [, text] = new RegExp(`^\`${path}\`:\\n\\n\`\`\`\\w*\\n([\\s\\S]*?)\`\`\``, 'm').exec(guide) ?? []
    if (text === undefined) throw new Error(`the guide shows no ${path}`)
    return text
  }

  test('its three files are a dataset without a problem', () => {
    const mappingText = fileOf('/tmp/try/contracts/mappings/aerodata.airports.yaml')
    const contract = parseContract(fileOf('/tmp/try/contracts/airports.yaml'), 'airports.yaml')
    const mapping = parseMapping(mappingText, 'aerodata.airports.yaml')
    if (!contract.ok || !mapping.ok) throw new Error(JSON.stringify([contract, mapping]))
    expect([
      ...checkMappingAgainstContract(mapping.value, contract.value, mappingText, ''),
      ...checkMappingTypes(mapping.value, contract.value, mappingText, ''),
      ...lintRuleset(fileOf('/tmp/try/rules/airports.dqdl'), { contract: contract.value }),
    ]).toEqual([])
  })

  test('names every key of a contract and of a mapping', () => {
    const { properties } = contractSchema
    const nested = [properties.drift, properties.limits, properties.warehouse, properties.columns.items]
    const fields = mappingSchema.properties.fields.items
    const keys = [contractSchema, mappingSchema, ...nested, mappingSchema.properties.input, fields].flatMap((schema) =>
      membersOf(schema, 'properties'),
    )
    expect(keys.filter((key) => !new RegExp(`[\`.]${key}[\`.]`).test(guide))).toEqual([])
  })

  test('names every transform and every reserved column', () => {
    expect(TRANSFORM_NAMES.filter((name) => !new RegExp(`\`${name}[\`:]`).test(guide))).toEqual([])
    expect([...OPERATIONAL_NAMES].filter((name) => !guide.includes(name))).toEqual([])
  })
})
