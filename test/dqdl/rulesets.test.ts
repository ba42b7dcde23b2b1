import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from '@jest/globals'
import { parseContract } from '../../core/parse-contract.ts'
import { compileQuality } from '../../dqdl/compile.ts'
import { qualityColumnsOf } from '../../dqdl/contract-columns.ts'
import { NOW } from './engine.ts'

const datasets = readdirSync('contracts')
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => basename(name, '.yaml'))

test.each(datasets)('DQ-26: the ruleset of %s has a rule that stops a load', (dataset) => {
  const file = `contracts/${dataset}.yaml`
  const contract = parseContract(readFileSync(file, 'utf8'), file)
  if (!contract.ok) throw new Error(`${file} does not parse`)
  const plan = compileQuality(readFileSync(`dq-rules/${dataset}.dqdl`, 'utf8'), qualityColumnsOf(contract.value), {
    now: NOW,
  })
  expect(plan.rules.some(({ severity }) => severity === 'gate')).toBe(true)
})
