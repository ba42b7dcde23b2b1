import { setFlagsFromString } from 'node:v8'

/** Bytes of WebAssembly that a function executes before it is compiled anew by the optimizing compiler; 1,800,000 by default. */
const TIERING_BUDGET = 100_000_000

/**
 * For commands that translate a few SQL texts and end: keeps the engine from optimizing the translator's large functions
 * after their first use, which costs more than half of such a command (5.3 s of processor time before, 1.9 s after, for
 * `sluice check`). Call it before the translator is loaded, and never in a process that goes on.
 */
export const preferShortWasm = (): void => setFlagsFromString(`--wasm-tiering-budget=${TIERING_BUDGET}`)
