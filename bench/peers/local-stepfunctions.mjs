// Runs a machine with aws-local-stepfunctions (in memory, no history kept) and prints the seconds as JSON.
// Arguments: file of { definition, input }, executions at once, executions one after another.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [, , file, atOnce, inTurn, folder] = process.argv
const { StateMachine } = createRequire(join(folder, 'package.json'))('aws-local-stepfunctions')
const { definition, input } = JSON.parse(readFileSync(file, 'utf8'))
const machine = new StateMachine(definition, { validationOptions: { noValidate: true } })
const run = () => machine.run(input).result
await run()
const timed = async (work) => {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}
const inTurnSeconds = await timed(async () => {
  for (let index = 0; index < Number(inTurn); index += 1) await run()
})
const atOnceSeconds = await timed(() => Promise.all(Array.from({ length: Number(atOnce) }, run)))
process.stdout.write(JSON.stringify({ atOnce: atOnceSeconds, inTurn: inTurnSeconds }))
