import { CONFIRM_ABOVE, type ReplayManifest } from './manifest.ts'
import type { ManifestProblem } from './parse-manifest.ts'
import type { PlanLine } from './plan-source.ts'

/** Tells that the manifest selects nothing, or more than it may. Asked before anything is planned. */
export function selectionProblems({ options, target }: ReplayManifest, selected: number): readonly ManifestProblem[] {
  if (selected === 0)
    return [
      {
        field: `$.${target.kind}`,
        message: 'No source fits the manifest',
        expected: 'at least one source',
        found: '0 sources',
      },
    ]
  if (selected <= options.maxSources) return []
  return [
    {
      field: '$.options.maxSources',
      message: 'The manifest selects more sources than it allows',
      expected: `at most ${options.maxSources} sources`,
      found: `${selected} sources`,
    },
  ]
}

/** A replay of many sources or tenants runs only when the manifest says how many sources it means. A dry run tells the number. */
export function confirmationProblems(
  { options }: ReplayManifest,
  lines: readonly PlanLine[],
): readonly ManifestProblem[] {
  const tenants = new Set(lines.map(({ tenantId }) => tenantId)).size
  const large = lines.length > CONFIRM_ABOVE.sources || tenants > CONFIRM_ABOVE.tenants
  if (options.dryRun || options.confirm === lines.length || (!large && options.confirm === null)) return []
  return [
    {
      field: '$.options.confirm',
      message: large
        ? `A replay of ${lines.length} sources of ${tenants} ${tenants === 1 ? 'tenant' : 'tenants'} must be confirmed`
        : 'The manifest confirms another number of sources than it selects',
      expected: `${lines.length}`,
      found: options.confirm === null ? 'nothing' : `${options.confirm}`,
    },
  ]
}
