import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openScratchFolder } from '../../cli/backtest/scratch-folder.ts'

// Takes a folder, says so, and holds it until it is ended.
const { path } = await openScratchFolder(process.argv[2] ?? '')
mkdirSync(join(path, 'objects'))
writeFileSync(join(path, 'objects', 'rows'), 'of a tenant')
process.stdout.write('ready\n')
setInterval(() => undefined, 60_000)
