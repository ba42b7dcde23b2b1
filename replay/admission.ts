/** Of a tenant's active jobs, the part that replays may have beside them: live work never waits for a replay's slot. */
const SHARE = 0.25

/**
 * How many replayed jobs of a tenant may be active at once. They are counted apart from live jobs, so neither takes a slot of the
 * other. @param maxActiveJobs what the tenant may have in live jobs
 */
export const replaySlots = (maxActiveJobs: number): number => Math.max(1, Math.floor(maxActiveJobs * SHARE))
