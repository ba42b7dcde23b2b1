import { setFlagsFromString } from 'node:v8'

/**
 * Keeps WebAssembly (PGlite, the SQL translator) at V8's baseline code. Optimising these large modules costs 15 s of
 * processor time and 370 MB over the first two jobs, and gains 0.1 s of processor time a job afterwards (measured,
 * Node 20). Call before the first module is compiled; it holds for the process.
 */
export function keepWebAssemblyAtBaseline(): void {
  setFlagsFromString('--no-wasm-dynamic-tiering')
  setFlagsFromString('--no-wasm-tier-up')
}
