import { chmod, copyFile, rm } from 'node:fs/promises'
import { build } from 'esbuild'

/** Bundles the command into cli/dist: one small entry, one chunk a subcommand, packages left where npm put them. */
await rm('cli/dist', { recursive: true, force: true })
await build({
  entryPoints: ['cli/main.ts'],
  outdir: 'cli/dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
})
await chmod('cli/bin/sluice.mjs', 0o755)
// Started by Node itself as a thread, found beside the chunk that names it.
await copyFile('local/lambda/worker.mjs', 'cli/dist/worker.mjs')
