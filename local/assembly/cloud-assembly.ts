/** The files of a cloud assembly: manifest, templates, asset manifests. */
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { digestOf } from '../../core/digest.ts'
import { messageOf, SluiceError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'
import type { FileAsset } from './model.ts'

export interface TemplateResource {
  readonly type: string
  readonly properties: Record<string, unknown>
  readonly condition: string | null
}

export interface Stack {
  readonly name: string
  readonly resources: ReadonlyMap<string, TemplateResource>
  readonly parameters: Record<string, unknown>
  readonly conditions: Record<string, unknown>
  readonly mappings: Record<string, unknown>
  readonly outputs: Record<string, unknown>
}

export interface CloudAssembly {
  readonly directory: string
  readonly digest: string
  readonly accountId: string
  readonly region: string
  readonly stacks: readonly Stack[]
  readonly assets: readonly FileAsset[]
}

/** Used where the assembly is environment-agnostic. */
export interface DefaultEnvironment {
  readonly accountId: string
  readonly region: string
}

const object = (value: unknown): Record<string, unknown> => (isJsonObject(value) ? value : {})
const text = (value: unknown, fallback = ''): string => (typeof value === 'string' ? value : fallback)

/**
 * Reads the assembly as it is; nothing is synthesized.
 * @throws SluiceError `assembly_missing`, `assembly_invalid`
 */
export async function readCloudAssembly(path: string, defaults: DefaultEnvironment): Promise<CloudAssembly> {
  const directory = resolve(path)
  const manifest = await readManifest(directory)
  const artifacts = Object.values(object(manifest.artifacts)).filter(isJsonObject)
  const stackArtifacts = artifacts.filter((artifact) => artifact.type === 'aws:cloudformation:stack')
  if (stackArtifacts.length === 0) {
    throw new SluiceError('assembly_invalid', `Cannot read "${directory}" as it declares no stack`, {
      where: { file: join(directory, 'manifest.json') },
    })
  }
  const environment = environmentOf(stackArtifacts, defaults)
  const texts = await Promise.all(
    stackArtifacts.map((artifact) => readText(join(directory, text(object(artifact.properties).templateFile)))),
  )
  const assetManifests = await Promise.all(
    artifacts
      .filter((artifact) => artifact.type === 'cdk:asset-manifest')
      .map((artifact) => readText(join(directory, text(object(artifact.properties).file)))),
  )
  return {
    directory,
    digest: digestOf([...texts, ...assetManifests].join('\0')),
    ...environment,
    stacks: stackArtifacts.map((artifact, index) => parseStack(artifact, texts[index] ?? '{}')),
    assets: assetManifests.flatMap((manifestText) => parseAssets(directory, manifestText, environment)),
  }
}

async function readManifest(directory: string): Promise<Record<string, unknown>> {
  const file = join(directory, 'manifest.json')
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SluiceError('assembly_missing', `Cannot read the cloud assembly "${directory}" as it has no manifest`, {
      where: { file },
      hint: 'npm run synth',
      cause,
    })
  })
  return parseObject(file, content)
}

async function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SluiceError('assembly_invalid', `Cannot read "${file}", which the manifest names: ${messageOf(cause)}`, {
      where: { file },
      hint: 'npm run synth',
      cause,
    })
  })
}

function parseObject(file: string, content: string): Record<string, unknown> {
  const parsed = (() => {
    try {
      return JSON.parse(content) as unknown
    } catch (cause) {
      throw new SluiceError('assembly_invalid', `Cannot parse "${file}": ${messageOf(cause)}`, {
        where: { file },
        cause,
      })
    }
  })()
  if (isJsonObject(parsed)) return parsed
  throw new SluiceError('assembly_invalid', `Cannot use "${file}": it must hold a JSON object`, { where: { file } })
}

function environmentOf(artifacts: Record<string, unknown>[], defaults: DefaultEnvironment): DefaultEnvironment {
  for (const artifact of artifacts) {
    const parts = /^aws:\/\/([^/]+)\/([^/]+)$/.exec(text(artifact.environment))
    const [, accountId = '', region = ''] = parts ?? []
    return {
      accountId: /^\d{12}$/.test(accountId) ? accountId : defaults.accountId,
      region: region === '' || region === 'unknown-region' ? defaults.region : region,
    }
  }
  return defaults
}

function parseStack(artifact: Record<string, unknown>, templateText: string): Stack {
  const properties = object(artifact.properties)
  const file = text(properties.templateFile)
  const template = parseObject(file, templateText)
  const name = text(properties.stackName, file.replace(/\.template\.json$/, ''))
  const resources = new Map<string, TemplateResource>()
  for (const [logicalId, declared] of Object.entries(object(template.Resources))) {
    const resource = object(declared)
    resources.set(logicalId, {
      type: text(resource.Type),
      properties: object(resource.Properties),
      condition: typeof resource.Condition === 'string' ? resource.Condition : null,
    })
  }
  return {
    name,
    resources,
    parameters: parametersOf(template, properties),
    conditions: object(template.Conditions),
    mappings: object(template.Mappings),
    outputs: object(template.Outputs),
  }
}

/** Defaults of the template, overridden by what the manifest passes. */
function parametersOf(template: Record<string, unknown>, properties: Record<string, unknown>): Record<string, unknown> {
  const declared = Object.entries(object(template.Parameters))
    .filter(([, parameter]) => isJsonObject(parameter) && 'Default' in parameter)
    .map(([name, parameter]) => [name, object(parameter).Default] as const)
  return { ...Object.fromEntries(declared), ...object(properties.parameters) }
}

function parseAssets(directory: string, manifestText: string, environment: DefaultEnvironment): FileAsset[] {
  const place = (value: unknown) =>
    text(value)
      .replaceAll(/\$\{AWS::AccountId\}/g, environment.accountId)
      .replaceAll(/\$\{AWS::Region\}/g, environment.region)
      .replaceAll(/\$\{AWS::Partition\}/g, 'aws')
  return Object.entries(object(parseObject('asset manifest', manifestText).files)).flatMap(([hash, declared]) => {
    const source = object(object(declared).source)
    return Object.values(object(object(declared).destinations)).map((destination) => ({
      hash,
      path: join(directory, text(source.path)),
      packaging: source.packaging === 'zip' ? ('zip' as const) : ('file' as const),
      bucketName: place(object(destination).bucketName),
      objectKey: place(object(destination).objectKey),
    }))
  })
}
