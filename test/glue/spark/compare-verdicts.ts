import type { Plan } from '../../../glue/plan.ts'
import type { PreparedCase } from './prepared-case.ts'

export const compareVerdicts = (_one: PreparedCase, _plan: Plan): { told: string; problems: readonly string[] } => ({
  told: '-',
  problems: [],
})
