/** boto3 and the AWS CLI, in a Python process each: the CLI brings a botocore of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { isJsonObject } from '../../core/json.ts'
import { type Answer, BOTOCORE_NAMES, type CallOptions, type Client, type Members } from './client.ts'

const PYTHON = '.cache/clients/venv/bin/python'

/** @param environment endpoint, region and keys, as `sluice env` prints them */
export function pythonClients(environment: Readonly<Record<string, string>>): readonly Client[] {
  return (['aws-cli', 'boto3'] as const).map((name): Client => {
    const driver = startDriver(name, environment)
    return {
      name,
      call: async (service, operation, input, options: CallOptions = {}) =>
        answerOf(await driver.ask({ service: BOTOCORE_NAMES[service] ?? service, operation, input, options })),
      presign: async (operation, input, expiresSeconds) => {
        if (name === 'aws-cli' && operation !== 'GetObject') return null
        const { output } = await driver.ask({ presign: { operation, input, expiresSeconds } })
        return String(output)
      },
      close: () => driver.close(),
    }
  })
}

function answerOf({ output, status, requestId, error }: Record<string, unknown>): Answer {
  if (isJsonObject(error)) {
    return {
      error: {
        code: String(error.code),
        message: String(error.message),
        status: numberOrNull(error.status),
        requestId: textOrNull(error.requestId),
      },
    }
  }
  const members = isJsonObject(output) ? (output as Members) : {}
  return { output: members, status: numberOrNull(status), requestId: textOrNull(requestId) }
}

const numberOrNull = (value: unknown): number | null => (typeof value === 'number' ? value : null)
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null)

interface Driver {
  ask(request: Record<string, unknown>): Promise<Record<string, unknown>>
  close(): Promise<void>
}

function startDriver(client: string, environment: Readonly<Record<string, string>>): Driver {
  const child: ChildProcess = spawn(PYTHON, ['scripts/clients/driver.py', client], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH ?? '', PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore', ...environment },
  })
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('the driver has no pipes')
  const waiting = new Map<number, (reply: Record<string, unknown>) => void>()
  const gone = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`the driver ended with ${code}`))),
  )
  gone.catch(() => undefined)
  createInterface({ input: stdout }).on('line', (line) => {
    const reply: unknown = JSON.parse(line)
    if (!isJsonObject(reply)) return
    waiting.get(Number(reply.id))?.(reply)
    waiting.delete(Number(reply.id))
  })
  let id = 0
  return {
    ask: (request) => {
      id += 1
      const sent = id
      const replied = new Promise<Record<string, unknown>>((resolve) => waiting.set(sent, resolve))
      stdin.write(`${JSON.stringify({ id: sent, ...request })}\n`)
      return Promise.race([replied, gone])
    },
    close: async () => {
      stdin.end()
      await gone.catch(() => undefined)
    },
  }
}
