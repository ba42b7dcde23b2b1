import { isJsonObject, type Json } from '../../core/json.ts'
import type { Diagnostics } from './diagnostics.ts'

/** What an Express machine cannot do: wait for jobs or tokens, run a distributed Map. */
export function checkExpress(definition: Json, diagnostics: Diagnostics, path = ''): void {
  const states = isJsonObject(definition) ? definition.States : undefined
  if (!isJsonObject(states)) return
  for (const [name, state] of Object.entries(states)) {
    if (!isJsonObject(state)) continue
    const at = `${path}/States/${name}`
    if (typeof state.Resource === 'string' && /\.(sync(:2)?|waitForTaskToken)$/.test(state.Resource))
      diagnostics.schema(
        `Express state machine does not support '${state.Resource.split('.').at(-1)}' service integration`,
        `${at}/Resource`,
      )
    for (const branch of Array.isArray(state.Branches) ? state.Branches : [])
      checkExpress(branch as Json, diagnostics, at)
    const processor = state.ItemProcessor ?? state.Iterator
    if (isJsonObject(processor)) {
      if (isJsonObject(processor.ProcessorConfig) && processor.ProcessorConfig.Mode === 'DISTRIBUTED')
        diagnostics.schema('Express state machine does not support Distributed Map', at)
      checkExpress(processor as Json, diagnostics, `${at}/ItemProcessor`)
    }
  }
}
