import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { messageOf } from '../../core/errors.ts'
import type { RoleStatement } from '../../local/iam/grant-uses.ts'
import { deployedState, scratchFolder } from './harness.ts'
import { createScenarioClones, scenarioAssembly } from './iam-assembly.ts'
import { type ChangeableRuntime, changeableRuntime, type StatementName } from './iam-orders.ts'
import { SCENARIOS, type Scenario } from './iam-scenarios.ts'
import { deadLetterReader, type Ending, historiesSince, quiet } from './iam-stage.ts'

const scratch = scratchFolder('iam')
const readDeadLetters = deadLetterReader()
let changeable: ChangeableRuntime
let statements: readonly RoleStatement[] = []
let sequence = 0

/** A scenario that was run, by what it used and how long it took. */
interface Recorded {
  readonly scenario: Scenario
  readonly end: string
  readonly used: ReadonlyMap<string, ReadonlySet<string>>
  readonly millis: number
}
const recorded: Recorded[] = []

/** A statement of the template that nothing in these scenarios misses, and why it is granted all the same. */
interface Explained {
  readonly role: string
  readonly action: string
  readonly reason: string
}

/** The rows of the table in docs/permissions.md. */
function explanations(): readonly Explained[] {
  const lines = readFileSync('docs/permissions.md', 'utf8').split('\n')
  return lines.flatMap((line) => {
    const [, role = '', action = '', reason = ''] = /^\| `([^`]+)` \| `([^`]+)`[^|]*\| (.+) \|$/.exec(line) ?? []
    return role === '' ? [] : [{ role, action, reason }]
  })
}

const keyOf = ({ roleArn, statementId }: StatementName): string => `${roleArn} ${statementId}`
const nameOf = ({ roleArn, id }: RoleStatement): StatementName => ({ roleArn, statementId: id })
/** CloudFormation's names end in eight characters of its own. */
const roleOf = ({ roleArn }: { readonly roleArn: string }): string =>
  (roleArn.split('/').at(-1) ?? '').replace(/[0-9A-F]{8}$/, '')
const actionsOf = ({ statement }: RoleStatement): readonly string[] => [statement.Action].flat().map(String)
const printed = (statement: RoleStatement): string =>
  `${roleOf(statement)}: ${actionsOf(statement).join(', ')} on ${[statement.statement.Resource].flat().join(', ')}`

const brokenBy = ({ broken = [] }: Scenario): readonly StatementName[] =>
  statements
    .filter((one) => broken.some(([role, action]) => roleOf(one) === role && actionsOf(one).includes(action)))
    .map(nameOf)

/** The operator's own call failed for what the function may not do. */
const stopped = (thrown: unknown): Ending => ({ end: 'stopped', texts: [messageOf(thrown)] })

/** Runs a scenario without statements; answers how it ended and everything that was said of it. */
async function play(scenario: Scenario, without: readonly StatementName[]) {
  await changeable.without([...brokenBy(scenario), ...without])
  sequence += 1
  const since = new Date()
  const runtime = changeable.runtime()
  const before = (await readDeadLetters(runtime)).length
  const deadLetters = async () => (await readDeadLetters(runtime)).slice(before)
  const stage = { runtime, name: `s${sequence}`, deadLetters }
  const { end, texts } = await scenario.run(stage).catch(stopped)
  await quiet(runtime)
  const millis = Date.now() - since.getTime()
  const histories = await historiesSince(runtime, since)
  const { seen } = await changeable.look()
  return { end, millis, seen, said: [...texts, ...histories, ...seen.log].join('\n') }
}

/** Runs every scenario with all that is granted, and notes which statements allowed what. */
async function record(): Promise<void> {
  for (const scenario of SCENARIOS) {
    const { end, millis, seen, said } = await play(scenario, [])
    if (end !== scenario.ends) process.stdout.write(`${scenario.name} ended ${end}: ${said.slice(0, 20_000)}\n`)
    const used = new Map<string, Set<string>>()
    for (const one of seen.allowed) {
      const actions = used.get(keyOf(one)) ?? new Set()
      used.set(keyOf(one), actions.add(one.action ?? ''))
    }
    recorded.push({ scenario, end, used, millis })
  }
}

/** Scenarios that used a statement, the quickest first. */
const usersOf = (statement: RoleStatement): readonly Recorded[] =>
  recorded.filter(({ used }) => used.has(keyOf(nameOf(statement)))).sort((one, other) => one.millis - other.millis)

/** Whether something says that the role may not do what the statement grants. */
const names = (said: string, statement: RoleStatement): boolean =>
  actionsOf(statement).some(
    (action) =>
      said.includes(`assumed-role/${statement.roleArn.split('/').at(-1)}`) &&
      new RegExp(
        `assumed-role/${statement.roleArn.split('/').at(-1)}/\\S+ is not authorized to perform: ${action} `,
      ).test(said),
  )

const unnoticed: RoleStatement[] = []

/** Takes a statement out and runs what used it until something names the permission; once more with fresh functions, which keep nothing. */
async function missing(statement: RoleStatement): Promise<boolean> {
  const users = usersOf(statement).slice(0, 3)
  const without = [nameOf(statement)]
  for (const fresh of [false, true]) {
    if (fresh) await changeable.restart()
    for (const { scenario } of fresh ? users.slice(0, 1) : users) {
      const { said } = await play(scenario, without)
      if (names(said, statement)) return true
    }
  }
  return false
}

beforeAll(async () => {
  const assembly = await scenarioAssembly(`${scratch.path}/assembly`)
  changeable = await changeableRuntime(assembly, await deployedState(scratch.path, assembly))
  statements = (await changeable.look()).statements
  await createScenarioClones(changeable.runtime())
  await record()
  for (const statement of statements) {
    if (usersOf(statement).length === 0 || !(await missing(statement))) unnoticed.push(statement)
  }
}, 1_200_000)

afterAll(async () => {
  await changeable.stop()
  await scratch.remove()
})

describe('each statement of each role', () => {
  test.each(SCENARIOS)('$name ends as $ends where nothing is missing', ({ name, ends }) => {
    expect(recorded.find(({ scenario }) => scenario.name === name)?.end).toBe(ends)
  })

  test('SEC-06 is missed by name when it is taken out, or explained in docs/permissions.md', () => {
    const explained = explanations()
    const silent = unnoticed.filter(
      (one) => !explained.some(({ role, action }) => role === roleOf(one) && actionsOf(one).includes(action)),
    )
    expect(silent.map(printed)).toEqual([])
  })

  test('is explained only where nothing misses it', () => {
    const needless = explanations().filter(
      ({ role, action }) => !unnoticed.some((one) => roleOf(one) === role && actionsOf(one).includes(action)),
    )
    expect(needless).toEqual([])
  })
})
