import { Readable } from 'node:stream'

/** Gives up the body of an answer; one that is neither read nor given up keeps its connection. */
export function discardBody(body: unknown): void {
  if (body instanceof Readable) body.destroy()
}
