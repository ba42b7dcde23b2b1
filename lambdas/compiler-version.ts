/** Part of every pinned configuration: raised when the same contract, mapping and ruleset compile to another plan. */
export const COMPILER_VERSION = '1'
