/** Drives one runtime with the AWS CLI, boto3 and the AWS SDK for JavaScript 3, and prints what each could do. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { awsVariablesOf, requireRuntime } from '../../cli/session.ts'
import { CLIENT_NAMES } from './client.ts'
import { javascriptClient } from './javascript.ts'
import { pythonClients } from './python.ts'
import { SCENARIOS } from './scenarios/index.ts'
import { type CallRecord, stageOf } from './stage.ts'
import { printTable } from './table.ts'

/** `sluice up` on a folder of its own, until it is stopped. */
async function startRuntime(state: string): Promise<{ stop(): Promise<void> }> {
  const child = spawn(process.execPath, ['cli/bin/sluice.mjs', 'up', '--port', '0', '--json', '--state', state], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString('utf8')))
  const exited = new Promise<void>((done) => child.once('exit', () => done()))
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.includes('"ready":true')) continue
    return {
      stop: async () => {
        child.kill('SIGTERM')
        await exited
      },
    }
  }
  throw new Error(`the runtime ended before it was ready: ${said.join('')}`)
}

const { values } = parseArgs({
  options: {
    state: { type: 'string' },
    client: { type: 'string', default: CLIENT_NAMES.join(',') },
    service: { type: 'string', default: Object.keys(SCENARIOS).join(',') },
  },
})
const wanted = { clients: values.client.split(','), services: values.service.split(',') }
const own = values.state === undefined ? mkdtempSync(join(tmpdir(), 'sluice-clients-')) : null
const state = values.state ?? own ?? ''
const began = performance.now()
const running = own === null ? null : await startRuntime(own)
const records: CallRecord[] = []
const runtime = requireRuntime(state)
const { endpoint, region } = runtime
const environment = {
  ...awsVariablesOf(runtime),
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
}
Object.assign(process.env, environment)
const clients = [...pythonClients(environment), javascriptClient()]
try {
  const run = Date.now().toString(36)
  const accountId = '000000000000'
  await Promise.all(
    clients
      .filter(({ name }) => wanted.clients.includes(name))
      .map(async (client) => {
        const stage = stageOf({ client, endpoint, region, accountId, run, record: (call) => records.push(call) })
        for (const service of wanted.services) {
          const play = SCENARIOS[service]
          if (play === undefined) throw new Error(`there is no scenario of "${service}"`)
          await stage.part(service, 'scenario', () => play(stage))
        }
      }),
  )
} finally {
  await Promise.all(clients.map((client) => client.close()))
  await running?.stop()
  if (own !== null) rmSync(own, { recursive: true, force: true })
}

const isWhole = wanted.clients.length === CLIENT_NAMES.length && values.service === Object.keys(SCENARIOS).join(',')
const failures = printTable(records, isWhole ? runtime.operations : null)
const seconds = ((performance.now() - began) / 1000).toFixed(0)
console.log(`\n${records.length} calls and checks, ${failures} wrong, in ${seconds} s`)
process.exitCode = failures === 0 ? 0 : 1
