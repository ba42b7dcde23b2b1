#!/usr/bin/env node
// Runs the tests of the metadata store on a PostgreSQL server too: a private cluster in a temporary folder, on a free port of
// the loopback, stopped and removed afterwards. With DATABASE_URL that server is taken. Without any server it says why it skips.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const skip = (reason) => {
  process.stdout.write(`skipped: the tests on PostgreSQL, as ${reason}\n`)
  process.exit(0)
}

const isRoot = process.getuid?.() === 0

/** Debian keeps each version's programs in a folder of its own. */
const programs = () => {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((one, other) => Number(other) - Number(one)) : []
  return versions.map((version) => join(root, version, 'bin')).find((folder) => existsSync(join(folder, 'initdb')))
}

const install = () => {
  if (!isRoot || spawnSync('apt-get', ['--version']).error !== undefined) return
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['install', '-y', '-qq', 'postgresql'], {
    env: environment,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** PostgreSQL refuses to run as root, so root runs it as the user that the package made. */
const run = (program, args) => {
  const [command, ...rest] = isRoot ? ['runuser', '-u', 'postgres', '--', program, ...args] : [program, ...args]
  const result = spawnSync(command, rest, { encoding: 'utf8', cwd: '/' })
  if (result.status !== 0) throw new Error(`${program} failed: ${result.stderr || result.error?.message}`)
}

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })

const jest = (url) =>
  spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      'node_modules/jest/bin/jest.js',
      '--runInBand',
      'test/lambdas/metadata',
      ...process.argv.slice(2),
    ],
    { stdio: 'inherit', env: { ...process.env, DATABASE_URL: url } },
  ).status ?? 1

if (process.env.DATABASE_URL !== undefined) process.exit(jest(process.env.DATABASE_URL))
if (programs() === undefined) install()
const bin = programs()
if (bin === undefined) skip('there is no PostgreSQL here: install Debian’s postgresql, or set DATABASE_URL')
const folder = mkdtempSync(join(tmpdir(), 'sluice-postgres-'))
if (isRoot) spawnSync('chown', ['postgres:', folder])
const cluster = join(folder, 'data')
const port = await freePort()
let status = 1
try {
  run(join(bin, 'initdb'), ['-D', cluster, '-U', 'postgres', '--auth=trust', '--no-sync', '-E', 'UTF8'])
  const options = `-p ${port} -c listen_addresses=127.0.0.1 -c fsync=off -k ${folder}`
  run(join(bin, 'pg_ctl'), ['-D', cluster, '-w', '-l', join(folder, 'log'), '-o', options, 'start'])
  try {
    status = jest(`postgres://postgres@127.0.0.1:${port}/postgres`)
  } finally {
    run(join(bin, 'pg_ctl'), ['-D', cluster, '-m', 'immediate', 'stop'])
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(status)
