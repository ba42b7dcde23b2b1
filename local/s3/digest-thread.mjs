/**
 * Computes digests beside the event loop. A plain module, as a worker thread is started by Node itself. Messages in:
 * {id, stream, algorithm, piece, lengthBytes} adds bytes to a stream, {id, stream, algorithm, ends: true} ends it,
 * {stream, drops: true} forgets it; out, not for the last: {id, value}, with the digest at the end and `null` before.
 */
import { parentPort } from 'node:worker_threads'
import { digesterOf } from './digesters.mjs'

const streams = new Map()

const digesterFor = (stream, algorithm) => {
  const known = streams.get(stream)
  if (known !== undefined) return known
  const made = digesterOf(algorithm)
  streams.set(stream, made)
  return made
}

const answer = async ({ stream, algorithm, piece, lengthBytes, ends }) => {
  const digester = digesterFor(stream, algorithm)
  if (piece !== undefined) digester.update(new Uint8Array(piece, 0, lengthBytes))
  if (ends !== true) return null
  streams.delete(stream)
  return digester.digest()
}

parentPort.on('message', async (message) => {
  if (message.drops === true) streams.delete(message.stream)
  else parentPort.postMessage({ id: message.id, value: await answer(message) })
})
