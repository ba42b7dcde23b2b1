import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { isJsonObject } from '../../core/json.ts'

/** The repository's folder. */
export const ROOT = new URL('../..', import.meta.url).pathname

export interface TemplateResource {
  readonly logicalId: string
  readonly stack: string
  readonly type: string
  readonly properties: Readonly<Record<string, unknown>>
  readonly raw: Readonly<Record<string, unknown>>
}

export interface SynthesizedApp {
  readonly folder: string
  readonly templates: Readonly<Record<string, unknown>>
  readonly resources: readonly TemplateResource[]
  /** Resources of a type. */
  of(type: string): readonly TemplateResource[]
  remove(): void
}

/** Synthesis bundles three functions and checks four templates: seconds, and more on a busy machine. */
export const SYNTHESIS_TIMEOUT_MILLIS = 120_000

const SOURCES = ['asl', 'contracts', 'core', 'dq-rules', 'dqdl', 'glue', 'infra', 'lambdas', 'warehouse']

const newestMillis = (folder: string): number =>
  Math.max(
    ...readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  )

/** Whether `cdk.out` was written after every source of it, as it is when `npm test` has synthesized first. */
function isFresh(folder: string): boolean {
  const manifest = join(folder, 'manifest.json')
  if (!existsSync(manifest)) return false
  return statSync(manifest).mtimeMs > Math.max(...SOURCES.map((source) => newestMillis(join(ROOT, source))))
}

/** The app as it is in the repository: `cdk.out` where that is fresh, else synthesized anew. */
export async function synthesizedApp(): Promise<SynthesizedApp> {
  const folder = join(ROOT, 'cdk.out')
  return isFresh(folder) ? { ...readApp(folder), remove: () => undefined } : synthesize()
}

/**
 * Runs `infra/app.ts` in a process of its own, as `npm run synth` does, into a folder of its own.
 * @throws Error with what the app wrote to stderr
 */
export async function synthesize(environment: Readonly<Record<string, string>> = {}): Promise<SynthesizedApp> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-infra-'))
  await promisify(execFile)(process.execPath, ['--import', 'tsx', 'infra/app.ts'], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment, CDK_OUTDIR: folder },
  })
  return { ...readApp(folder), remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function readApp(folder: string): Omit<SynthesizedApp, 'remove'> {
  const templates = Object.fromEntries(
    readdirSync(folder)
      .filter((name) => name.endsWith('.template.json'))
      .map((name) => [name.replace('.template.json', ''), JSON.parse(readFileSync(join(folder, name), 'utf8'))]),
  )
  const resources = Object.entries(templates).flatMap(([stack, template]) => resourcesOf(stack, template))
  return { folder, templates, resources, of: (type) => resources.filter((resource) => resource.type === type) }
}

const resourcesOf = (stack: string, template: unknown): readonly TemplateResource[] => {
  const resources = isJsonObject(template) && isJsonObject(template.Resources) ? template.Resources : {}
  return Object.entries(resources).flatMap(([logicalId, raw]) =>
    isJsonObject(raw)
      ? [
          {
            logicalId,
            stack,
            type: String(raw.Type),
            properties: isJsonObject(raw.Properties) ? raw.Properties : {},
            raw,
          },
        ]
      : [],
  )
}
