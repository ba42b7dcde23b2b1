#!/usr/bin/env node
import { existsSync } from 'node:fs'

const bundle = new URL('../dist/main.js', import.meta.url)
if (!existsSync(bundle)) {
  process.stderr.write('sluice: cli/dist is missing: run "npm run build" in the repository\n')
  process.exit(3)
}
await import(bundle.href)
