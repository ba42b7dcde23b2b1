/** Run by a test as a process of its own: the runtime, whose roles lose and get back statements as the test says. */

import { roleStatements } from '../../local/iam/grant-uses.ts'
import type { NamedPolicy } from '../../local/iam/policy-registry.ts'
import { type Runtime, startRuntime } from '../../local/runtime.ts'
import type { RuntimeAnswer, RuntimeOrder, Seen, StatementName } from './iam-orders.ts'

const [, , assemblyDirectory = '', stateDirectory = ''] = process.argv

let seen: { allowed: StatementName[]; denied: string[] } = { allowed: [], denied: [] }
const log: string[] = []

const start = (): Promise<Runtime> =>
  startRuntime({
    assemblyDirectory,
    stateDirectory,
    log: (line) => void log.push(line),
    grantObserver: {
      allowed: (roleArn, ids, { action }) =>
        void seen.allowed.push(...ids.map((statementId) => ({ roleArn, statementId, action }))),
      denied: (principalArn, { action }) => void seen.denied.push(`${principalArn} ${action}`),
    },
  })

let runtime = await start()
/** As deployed. */
const deployed = new Map<string, readonly NamedPolicy[]>(
  runtime.services.policies.roleArns().map((arn) => [arn, runtime.services.policies.rolePolicies(arn) ?? []]),
)

/** A document of those statements that are not to go. */
function remaining(policy: NamedPolicy, gone: readonly (string | undefined)[]): NamedPolicy {
  const kept = roleStatements('', [policy]).filter(({ id }) => !gone.includes(id))
  return { ...policy, document: { ...policy.document, Statement: kept.map(({ statement }) => statement) } }
}

function withoutStatements(without: readonly StatementName[]): void {
  for (const [arn, policies] of deployed) {
    const gone = without.filter(({ roleArn }) => roleArn === arn).map(({ statementId }) => statementId)
    runtime.services.policies.putRole(
      arn,
      policies.map((policy) => remaining(policy, gone)),
    )
  }
}

function take(): Seen {
  const { allowed, denied } = seen
  seen = { allowed: [], denied: [] }
  return { allowed, denied: [...new Set(denied)], log: log.splice(0) }
}

async function follow(order: RuntimeOrder): Promise<RuntimeAnswer> {
  if (order.what === 'without') withoutStatements(order.statements)
  if (order.what === 'restart') {
    await runtime.close()
    runtime = await start()
  }
  if (order.what === 'stop') await runtime.close()
  return {
    endpoint: runtime.endpoint,
    seen: take(),
    statements: [...deployed].flatMap(([arn, policies]) => roleStatements(arn, policies)),
  }
}

process.on('message', (order: RuntimeOrder) => {
  follow(order).then(
    (answer) => {
      process.send?.(answer)
      if (order.what === 'stop') process.disconnect()
    },
    (thrown: unknown) => {
      process.stderr.write(`${thrown instanceof Error ? thrown.stack : String(thrown)}\n`)
      process.exit(1)
    },
  )
})
process.send?.({ ready: true })
