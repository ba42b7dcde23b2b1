import { SluiceError } from '../core/errors.ts'
import { isJsonObject } from '../core/json.ts'
import type { Plan } from './plan.ts'

const MEMBERS = [
  'tenantId',
  'dataset',
  'inputs',
  'reads',
  'destinations',
  'program',
  'quality',
  'schema',
  'schemaHash',
] as const

const isPlan = (value: unknown): value is Plan =>
  isJsonObject(value) && value.planVersion === 1 && MEMBERS.every((member) => value[member] !== undefined)

/** Reads a stored plan. Plans are written by `compilePlan` only and pinned by hash. @throws SluiceError `invalid_plan` */
export function parsePlan(text: string): Plan {
  const value: unknown = JSON.parse(text)
  if (isPlan(value)) return value
  throw new SluiceError('invalid_plan', 'Cannot read the plan: expected planVersion 1 with all its members')
}
