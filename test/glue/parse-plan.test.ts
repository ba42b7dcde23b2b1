import { readdirSync } from 'node:fs'
import { describe, expect, test } from '@jest/globals'
import { parsePlan } from '../../glue/parse-plan.ts'
import { planOf, readContract, readMapping } from './harness.ts'

const plans = readdirSync('contracts/mappings').map((file) => {
  const [tenant = '', dataset = ''] = file.split('.')
  const mapping = readMapping(tenant, dataset)
  return {
    file,
    plan: planOf({
      contract: readContract(dataset),
      mapping,
      content: '',
      header: mapping.fields.flatMap((field) => field.sources),
    }),
  }
})

describe('a stored plan', () => {
  test.each(plans)('of mapping $file fits its JSON Schema and is read back as it was', ({ plan }) => {
    expect(parsePlan(JSON.stringify(plan))).toEqual(JSON.parse(JSON.stringify(plan)))
  })

  const broken = {
    'a missing program': { program: undefined },
    'another version': { planVersion: 2 },
    'a tenant that is no name': { tenantId: 'Acme' },
  }
  test.each(Object.entries(broken))('with %s is refused with its path', (_, change) => {
    expect(() => parsePlan(JSON.stringify({ ...plans[0]?.plan, ...change }))).toThrow(
      expect.objectContaining({ code: 'invalid_plan' }),
    )
  })
})
