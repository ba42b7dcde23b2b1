// Runs a machine with aws-local-stepfunctions (in memory, no history kept) and prints the seconds as JSON.
// Arguments: file of { definition, input }, executions at once, rounds of them that count, rounds of them in all,
// executions one after another, folder of the package. The fastest of the first and of the last rounds and the median of
// one execution count, as for the runtime.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [, , file, atOnce, roundsAtOnce, roundsInAll, inTurn, folder] = process.argv
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
const single = []
for (let index = 0; index < Number(inTurn); index += 1) single.push(await timed(run))
const together = []
for (let round = 0; round < Number(roundsInAll); round += 1)
  together.push(await timed(() => Promise.all(Array.from({ length: Number(atOnce) }, run))))
const median = single.sort((left, right) => left - right)[Math.floor(single.length / 2)]
const [first, last] = [together.slice(0, Number(roundsAtOnce)), together.slice(-Number(roundsAtOnce))]
process.stdout.write(
  JSON.stringify({ atOnce: Math.min(...first), warm: Math.min(...last), inTurn: median * Number(inTurn) }),
)
