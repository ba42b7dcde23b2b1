import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from '@jest/globals'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'sluice-bundles-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function bundle(name: string) {
  const outfile = join(folder, name, 'index.mjs')
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`lambdas/${name}/index.ts`],
    outfile,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    metafile: true,
    logLevel: 'silent',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  })
  return { outfile, inputs: Object.keys(metafile.inputs), bytes: Object.values(metafile.outputs)[0]?.bytes ?? 0 }
}

/** Loads a bundle in a process of its own, as Lambda does, and invokes it with an event that does not parse. */
function invoke(outfile: string): { readonly status: number | null; readonly error: string } {
  const script = join(folder, 'invoke.mjs')
  writeFileSync(
    script,
    `const { handler } = await import(process.argv[2])
     await handler({ operation: 1 }).catch((error) => process.stdout.write('\\n' + error.name))`,
  )
  const env = {
    PATH: process.env.PATH ?? '',
    AWS_REGION: 'us-east-2',
    DATABASE_HOST: '127.0.0.1',
    DATABASE_PORT: '1',
    DATABASE_NAME: 'sluice',
    DATABASE_USER: 'sluice_app',
    WORK_BUCKET: 'work',
    RAW_BUCKET: 'raw',
    VALIDATED_BUCKET: 'validated',
    CURATED_BUCKET: 'curated',
    DQ_RESULTS_BUCKET: 'dq',
    QUARANTINE_BUCKET: 'quarantine',
    COPY_ROLE_ARN: 'arn',
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, outfile], { encoding: 'utf8', env })
  return { status, error: stdout.trim().split('\n').at(-1) ?? stderr }
}

describe('the bundles of the functions', () => {
  test.each(['validate', 'quarantine', 'metadata'])(
    '%s loads as an ES module without engines, and throws InvalidInput for an event that does not parse',
    async (name) => {
      const { outfile, inputs, bytes } = await bundle(name)
      expect(inputs.filter((input) => /duckdb|polyglot|pglite|aws-cdk/.test(input))).toEqual([])
      expect(bytes).toBeLessThan(2_000_000)
      expect(invoke(outfile)).toEqual({ status: 0, error: 'InvalidInput' })
    },
  )
})
