import { editedAssembly, fixturesAssembly, type WorkflowTemplate } from './assembly.ts'
import { createClone } from './clones.ts'
import type { RunningRuntime } from './harness.ts'
import { type JsonObject, objectOf, textOf } from './json.ts'
import { machineArn } from './operator.ts'

/** Prefixes under which files land that no event tells of. */
export const UNHEARD = { events: 'acme/events/unheard-', strict: 'acme/strict/unheard-' } as const

/** Source of the event that stands in for the schedule. */
export const SCHEDULE_SOURCE = 'test.schedule'

/** Copies of the ingest machine, with its role, for which a run seems to have left nothing. */
const CLONES = [
  { name: 'without-output', replace: [["'/run=' & $runId & '/'", "'/run=none/'"]] },
  { name: 'without-manifest', replace: [["& '/manifest.json' %}", "& '/none.json' %}"]] },
  { name: 'without-summary', replace: [["& '/summary.json' %}", "& '/none.json' %}"]] },
] as const
export type CloneName = (typeof CLONES)[number]['name']
/** Machines whose executions tell of a scenario. */
export const MACHINES = ['ingest', 'sweep', 'deploy', 'replay', ...CLONES.map(({ name }) => name)]

export async function createScenarioClones({ clients: { states } }: RunningRuntime): Promise<void> {
  const ingest = await machineArn(states, 'ingest')
  for (const clone of CLONES)
    await createClone(states, ingest, { ...clone, role: 'sluice-ingest', pauseBefore: [], timeoutSeconds: null }, '')
}

/** What is refused stays refused, so nothing is tried again. */
function withoutRetries(scope: JsonObject): void {
  for (const state of Object.values(objectOf(scope.States)).map(objectOf)) {
    if (Array.isArray(state.Retry)) state.Retry = state.Retry.map((retry) => ({ ...objectOf(retry), MaxAttempts: 0 }))
    if (state.ItemProcessor !== undefined) withoutRetries(objectOf(state.ItemProcessor))
  }
}

function edit(template: WorkflowTemplate): void {
  for (const { Type, Properties } of Object.values(template.resources)) {
    const properties = objectOf(Properties ?? {})
    if (Type === 'AWS::Lambda::EventInvokeConfig') properties.MaximumRetryAttempts = 0
    if (Type !== 'AWS::StepFunctions::StateMachine') continue
    const definition = objectOf(JSON.parse(textOf(properties.DefinitionString)))
    withoutRetries(definition)
    properties.DefinitionString = JSON.stringify(definition)
  }
  const landed = template.find('Landed', 'AWS::Events::Rule').properties
  const prefixes = Object.values(UNHEARD).map((prefix) => `landing/${prefix}`)
  objectOf(objectOf(objectOf(landed.EventPattern).detail).object).key = [{ 'anything-but': { prefix: prefixes } }]
  const sweep = template.find('SweepSchedule', 'AWS::Events::Rule').properties
  delete sweep.ScheduleExpression
  sweep.EventPattern = { source: [SCHEDULE_SOURCE] }
}

/** The template with machines and events that do not try again, files that no event tells of, and a schedule by event. */
export const scenarioAssembly = async (into: string): Promise<string> =>
  editedAssembly(await fixturesAssembly({ sweepGraceSeconds: 0 }), into, edit)
