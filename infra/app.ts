import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildApp } from './build-app.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

const outputFolder = process.env.CDK_OUTDIR ?? join(root, 'cdk.out')

const app = await buildApp({ root, outputFolder, environment: process.env })
app.synth()
