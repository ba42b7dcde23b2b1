/** Part of every pinned configuration: another one when the same contract, mapping and ruleset compile to another plan. */
export { COMPILER_VERSION } from '../glue/compile-plan.ts'
