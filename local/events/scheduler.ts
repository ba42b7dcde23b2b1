/** Fires scheduled rules and schedules at their times. */
import { messageOf } from '../../core/errors.ts'
import type { RuleModel, ScheduleModel, TargetModel } from '../assembly/model.ts'
import type { Clock } from '../service.ts'
import { parseSchedule } from './schedule.ts'

export interface Firing {
  readonly arn: string
  readonly name: string
  readonly targets: readonly TargetModel[]
  readonly servicePrincipal: 'events.amazonaws.com' | 'scheduler.amazonaws.com'
}

export interface ScheduleDependencies {
  readonly rules: readonly RuleModel[]
  readonly schedules: readonly ScheduleModel[]
  readonly clock: Clock
  /** Ends all of them. */
  readonly signal: AbortSignal
  readonly log: (message: string) => void
  readonly fire: (firing: Firing) => Promise<void>
}

/** A time that passed while nothing ran is not made up for. */
export function startSchedules({ rules, schedules, clock, signal, log, fire }: ScheduleDependencies): void {
  const ofRules = rules.flatMap(({ scheduleExpression, arn, name, targets }) =>
    scheduleExpression === null
      ? []
      : [
          {
            expression: scheduleExpression,
            firing: { arn, name, targets, servicePrincipal: 'events.amazonaws.com' as const },
          },
        ],
  )
  const ofScheduler = schedules
    .filter(({ state }) => state === 'ENABLED')
    .map(({ scheduleExpression, arn, name, target }) => ({
      expression: scheduleExpression,
      firing: { arn, name, targets: [target], servicePrincipal: 'scheduler.amazonaws.com' as const },
    }))
  for (const { expression, firing } of [...ofRules, ...ofScheduler]) {
    const next = parseSchedule(expression)
    const run = async (): Promise<void> => {
      for (let at = next(clock.now()); at !== null && !signal.aborted; at = next(clock.now())) {
        await clock.sleepUntil(at, signal)
        await fire(firing)
      }
    }
    run().catch((thrown: unknown) => {
      if (!signal.aborted) log(`events ${firing.name}: ${messageOf(thrown)}`)
    })
  }
}
