import { join } from 'node:path'
import type { LambdaClient } from '@aws-sdk/client-lambda'
import type { Contract } from '../../core/contract.ts'
import { digestOfJson } from '../../core/digest.ts'
import type { Mapping } from '../../core/mapping.ts'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import { requireRuleset } from '../../dqdl/parse.ts'
import { translateRuleset } from '../../dqdl/spark-sql.ts'
import { COMPILER_VERSION } from '../../lambdas/compiler-version.ts'
import { Fields } from '../../lambdas/input.ts'
import { parseConfiguration } from '../../lambdas/parse-job.ts'
import type { PinnedDocuments } from '../../lambdas/validate/pinned-documents.ts'
import { invokeMetadata } from '../deployment.ts'
import { CommandError, EXIT } from '../output.ts'
import { type Project, readProject } from '../project.ts'
import type { BacktestConfiguration } from './run-source.ts'

/** Whose configuration a source runs under: what is in force, what a job pinned, or what the project's files say. */
export type ConfigurationQuery = { readonly tenantId: string; readonly dataset: string } | { readonly jobId: string }

/** Only what our own parsers gave is ever stored, so a document with the right hash has the right form. */
function requireHash(document: unknown, expected: string): void {
  const found = digestOfJson(document)
  if (found === expected) return
  throw new CommandError(EXIT.impossible, 'configuration_damaged', `A document has hash ${found}, and not ${expected}`)
}

/** Reads documents of the deployment. `null`: the tenant has no mapping for the dataset, or the job pinned none. */
export async function deployedConfiguration(
  lambda: LambdaClient,
  query: ConfigurationQuery,
): Promise<BacktestConfiguration | null> {
  const answer = await invokeMetadata(lambda, { operation: 'readConfiguration', ...query })
  if (answer === null) return null
  const loaded = new Fields(answer, 'configuration')
  const pinned = parseConfiguration(loaded.object('pinned'))
  const documents = loaded.object('documents')
  for (const part of ['contract', 'mapping', 'ruleset'] as const)
    requireHash(documents.unknown(part), pinned[part].hash)
  return { pinned, documents: loaded.unknown('documents') as PinnedDocuments }
}

/** The files of a project, refused whole when one of them is wrong. @throws CommandError `invalid_project` */
export function requireProject(folder: string): Project {
  const project = readProject({ contracts: join(folder, 'contracts'), rules: join(folder, 'dq-rules') })
  const [problem] = project.problems
  if (problem === undefined) return project
  throw new CommandError(EXIT.wrongUse, 'invalid_project', problem.message, 'Run: sluice check', problem.where)
}

const documentOf = (document: unknown, version: number) => ({ key: '-', hash: digestOfJson(document), version })

/** What the next deployment of the project's files would put in force. `null`: they have no mapping for that. */
export async function projectConfiguration(
  project: Project,
  tenantId: string,
  dataset: string,
): Promise<BacktestConfiguration | null> {
  const mapping = project.mappings.find((one) => one.tenantId === tenantId && one.dataset === dataset)
  const contract = project.contracts.get(dataset)
  const rules = project.rulesets.find((one) => one.dataset === dataset)
  if (mapping === undefined || contract === undefined || rules === undefined) return null
  const ruleset = {
    dqdl: rules.text,
    translations: await translateRuleset(requireRuleset(rules.text), [qualityColumnsOf(contract)]),
  }
  return configurationOf(contract, mapping, ruleset)
}

function configurationOf(
  contract: Contract,
  mapping: Mapping,
  ruleset: PinnedDocuments['ruleset'],
): BacktestConfiguration {
  const members = {
    contract: documentOf(contract, contract.version),
    mapping: documentOf(mapping, mapping.version),
    ruleset: documentOf(ruleset, 0),
    compilerVersion: COMPILER_VERSION,
  }
  return { pinned: { hash: digestOfJson(members), ...members }, documents: { contract, mapping, ruleset } }
}
