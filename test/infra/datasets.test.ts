import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { curatedColumns } from '../../core/curated-columns.ts'
import { parseContract } from '../../core/parse-contract.ts'
import { readCatalogue } from '../../infra/catalogue.ts'
import { ROOT, SYNTHESIS_TIMEOUT_MILLIS, type SynthesizedApp, synthesize } from './synthesize.ts'

const CONTRACT = `contract: 1
dataset: customers
version: 1
description: People who order
columns:
  - name: customer_id
    type: string(20)
    required: true
  - name: joined_on
    type: date
key: [customer_id]
`
const MAPPING = `mapping: 1
tenant: acme
dataset: customers
version: 1
contract_version: 1
source_system: crm
input: { format: csv }
fields:
  - source: id
    target: customer_id
  - source: joined
    target: joined_on
    transform:
      - parse_date: { format: "%Y-%m-%d" }
`

let folder: string
let app: SynthesizedApp

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-datasets-'))
  cpSync(join(ROOT, 'contracts'), join(folder, 'contracts'), { recursive: true })
  cpSync(join(ROOT, 'dq-rules'), join(folder, 'dq-rules'), { recursive: true })
  writeFileSync(join(folder, 'contracts', 'customers.yaml'), CONTRACT)
  writeFileSync(join(folder, 'contracts', 'mappings', 'acme.customers.yaml'), MAPPING)
  writeFileSync(join(folder, 'dq-rules', 'customers.dqdl'), 'Rules = [ IsComplete "customer_id" ]\n')
  app = await synthesize({
    CDK_VALIDATION: 'false',
    CDK_CONTEXT_JSON: JSON.stringify({ liveVersion: 3 }),
    SLUICE_CONTRACTS: join(folder, 'contracts'),
    SLUICE_RULES: join(folder, 'dq-rules'),
  })
}, SYNTHESIS_TIMEOUT_MILLIS)
afterAll(() => {
  app?.remove()
  rmSync(folder, { recursive: true, force: true })
})

const named = (type: string, member: string, name: string) =>
  app
    .of(type)
    .map(({ properties }) => properties[member])
    .find((value) => JSON.stringify(value).includes(`"${name}"`))

describe('a fourth dataset', () => {
  test('is three files and a synth: it has a table with the columns of its files', () => {
    const parsed = parseContract(CONTRACT, 'customers.yaml')
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    const table = named('AWS::Glue::Table', 'TableInput', 'customers')
    expect(table).toMatchObject({
      Name: 'customers',
      PartitionKeys: [
        { Name: 'tenant', Type: 'string' },
        { Name: 'ingest_date', Type: 'string' },
        { Name: 'run', Type: 'string' },
      ],
    })
    const names = curatedColumns(parsed.value).map(({ name }) => `{"Name":"${name}","Type":"`)
    const columns = JSON.stringify(table)
    expect(names.filter((name) => !columns.includes(name))).toEqual([])
    expect(columns).toContain('{"Name":"joined_on","Type":"date"}')
  })

  test('has its ruleset on that table', () => {
    const [ruleset] = app
      .of('AWS::Glue::DataQualityRuleset')
      .filter(({ properties }) => properties.Name === 'customers')
      .map(({ properties }) => properties)
    expect(ruleset).toMatchObject({
      Ruleset: 'Rules = [ IsComplete "customer_id" ]\n',
      TargetTable: { DatabaseName: 'curated', TableName: 'customers' },
    })
  })

  test('has its tables among the warehouse’s statements, in the order of the index', () => {
    const substitutions = app
      .of('AWS::StepFunctions::StateMachine')
      .filter(({ properties }) => properties.StateMachineName === 'deploy')
      .map(({ properties }) => JSON.stringify(properties.DefinitionSubstitutions))
    const key = /"WarehouseBatchesKey":"([0-9a-f]+\.json)"/.exec(substitutions[0] ?? '')?.[1]
    const index: { batches: { name: string; key: string }[] } = JSON.parse(
      readFileSync(join(app.folder, `asset.${key}`), 'utf8'),
    )
    const batch = index.batches.find(({ name }) => name === 'table customers')
    expect(readFileSync(join(app.folder, `asset.${batch?.key}`), 'utf8')).toContain('CREATE TABLE IF NOT EXISTS')
  })
})

describe('a deployment that is told which version is live', () => {
  test('DEP-11: publishes the new version of the ingest machine and leaves live where it is; other machines follow', () => {
    const routes = app
      .of('AWS::StepFunctions::StateMachineAlias')
      .map(({ logicalId, properties }) => ({ logicalId, routes: properties.RoutingConfiguration ?? null }))
    expect(routes.filter((alias) => alias.routes !== null)).toEqual([
      {
        logicalId: expect.stringMatching(/^Ingest/),
        routes: [
          {
            StateMachineVersionArn: 'arn:aws:states:us-east-2:000000000000:stateMachine:ingest:3',
            Weight: 100,
          },
        ],
      },
    ])
    expect(app.of('AWS::StepFunctions::StateMachineVersion').map(({ logicalId }) => logicalId)).toContainEqual(
      expect.stringMatching(/^Ingest/),
    )
  })
})

describe('readCatalogue', () => {
  const folders = (root: string) => ({
    root,
    contractsFolder: join(root, 'contracts'),
    rulesFolder: join(root, 'dq-rules'),
  })

  test('refuses a dataset without a ruleset and a mapping of an unknown dataset, naming the files', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'sluice-broken-'))
    cpSync(folder, broken, { recursive: true })
    rmSync(join(broken, 'dq-rules', 'customers.dqdl'))
    await expect(readCatalogue(folders(broken))).rejects.toThrow('dq-rules/customers.dqdl: missing_ruleset')
    rmSync(join(broken, 'contracts', 'customers.yaml'))
    await expect(readCatalogue(folders(broken))).rejects.toThrow(
      'contracts/mappings/acme.customers.yaml: mapping_without_contract',
    )
    rmSync(broken, { recursive: true })
  })

  test('gives the seed document everything, rulesets with their translations', async () => {
    const { contracts, mappings, rulesets } = await readCatalogue(folders(folder))
    expect(contracts.map(({ dataset }) => dataset)).toContain('customers')
    expect(mappings.map(({ tenantId, dataset }) => `${tenantId}.${dataset}`)).toContain('acme.customers')
    expect(rulesets.find(({ dataset }) => dataset === 'customers')).toMatchObject({ translations: {} })
  })
})
