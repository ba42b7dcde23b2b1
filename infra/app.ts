import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { SluiceError } from '../core/errors.ts'
import { buildApp } from './build-app.ts'
import { unjustifiedWildcards } from './iam-wildcards.ts'

// The template's checks and the translator of rules are WebAssembly that runs once: optimizing it takes longer than running it.
setFlagsFromString('--liftoff-only')

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const outputFolder = process.env.CDK_OUTDIR ?? join(root, 'cdk.out')

const app = await buildApp({ root, outputFolder, environment: process.env })
const templates = app.synth().stacks.map((stack): unknown => stack.template)
const unjustified = templates.flatMap(unjustifiedWildcards)
if (unjustified.length > 0)
  throw new SluiceError(
    'wildcard_without_reason',
    `Cannot synthesize as these wildcards have no reason: ${unjustified.map(({ logicalId, wildcard }) => `${logicalId} ${wildcard}`).join(', ')}`,
    { hint: 'grant through infra/grants.ts and say why' },
  )
