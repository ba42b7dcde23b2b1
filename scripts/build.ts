import { chmod, copyFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
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
// Started by Node itself as threads, found beside the chunk that names them.
for (const file of ['local/lambda/worker.mjs', 'local/s3/digest-thread.mjs', 'local/s3/digesters.mjs'])
  await copyFile(file, join('cli/dist', basename(file)))
