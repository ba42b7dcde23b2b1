/** The AWS CLI as people run it: a process of its own, with nothing but the environment. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Stage } from '../stage.ts'

const run = promisify(execFile)
/** As a module: its script names the folder that the environment was made in. */
const AWS = ['.cache/clients/venv/bin/python', '-m', 'awscli'] as const

/** High-level commands, which choose their calls themselves: parts above 8 MB, listings by pages, deletes in batches. */
export async function playCommandLine(stage: Stage): Promise<void> {
  if (stage.client.name !== 'aws-cli') return
  const folder = await mkdtemp(join(tmpdir(), 'sluice-cli-'))
  const bucket = `s3://${stage.name('command-line')}`
  const aws = async (...given: string[]): Promise<string> => {
    const [python, ...cli] = AWS
    return (await run(python, [...cli, ...given])).stdout
  }
  const expectText = (text: string, wanted: string): void => {
    if (!text.includes(wanted)) throw new Error(`expected ${wanted}, found ${text.slice(0, 300)}`)
  }
  try {
    const large = Buffer.alloc(9 * 1024 ** 2, 'x')
    await Promise.all([writeFile(join(folder, 'large.bin'), large), writeFile(join(folder, 'ü &.txt'), 'small')])
    await stage.check('s3', 'aws s3: mb, sync, ls, cp, rm, rb', async () => {
      await aws('s3', 'mb', bucket)
      await aws('s3', 'sync', '--only-show-errors', folder, `${bucket}/all/`)
      expectText(await aws('s3', 'ls', '--recursive', bucket), 'all/ü &.txt')
      await aws('s3', 'cp', '--only-show-errors', `${bucket}/all/large.bin`, join(folder, 'back.bin'))
      if (!large.equals(await readFile(join(folder, 'back.bin')))) throw new Error('the file came back changed')
      await aws('s3', 'cp', '--only-show-errors', `${bucket}/all/large.bin`, `${bucket}/copy.bin`)
      await aws('s3', 'rm', '--only-show-errors', '--recursive', bucket)
      await aws('s3', 'rb', bucket)
    })
    await stage.check('logs', 'aws logs: filter-log-events', async () => {
      const group = ['--log-group-name', '/aws/lambda/metadata']
      expectText(await aws('logs', 'filter-log-events', ...group, '--filter-pattern', 'REPORT'), 'REPORT RequestId')
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
