#!/usr/bin/env node
import { existsSync } from 'node:fs'

const bundle = new URL('../dist/main.js', import.meta.url)
if (!existsSync(bundle)) {
  process.stderr.write('sluice: cli/dist is missing: run "npm run build" in the repository\n')
  process.exit(3)
}
// The SDK's notice about the next Node.js it will need says nothing to whoever runs the command.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
await import(bundle.href)
