import { Ajv, type ValidateFunction } from 'ajv'
import { SluiceError } from '../core/errors.ts'
import type { Plan } from './plan.ts'
import schema from './plan.v1.schema.json' with { type: 'json' }

/** Compiled for the first plan: it takes a tenth of the runtime's start, which reads none. */
let compiled: ValidateFunction<Plan> | null = null

/** Reads a stored plan against its published JSON Schema. @throws SluiceError `invalid_plan` with the path of what is wrong */
export function parsePlan(text: string): Plan {
  const value: unknown = JSON.parse(text)
  compiled ??= new Ajv({ strict: true, allowUnionTypes: true }).compile<Plan>(schema)
  const validate = compiled
  if (validate(value)) return value
  const [error] = validate.errors ?? []
  throw new SluiceError(
    'invalid_plan',
    `Cannot read the plan: ${error?.instancePath || '/'} ${error?.message ?? 'is not valid'}`,
    {
      where: { path: error?.instancePath ?? '/' },
      expected: error?.message ?? 'a plan of version 1',
    },
  )
}
