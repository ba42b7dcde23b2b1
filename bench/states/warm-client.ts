/** The client of the benchmarks, warm before anyone is measured by it: else whoever comes first pays for its start. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { signedClient } from './signed-client.ts'

const CALLS = 2_000

/** Calls a server of its own that answers anything. */
export async function warmClient(): Promise<void> {
  const server = createServer((message, response) => {
    message.resume().once('end', () => response.end('{"executions":[]}'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('Cannot tell the port of the server')
  const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' }
  const client = signedClient({ url: `http://127.0.0.1:${address.port}`, region: 'us-east-1', credentials })
  await Promise.all(Array.from({ length: CALLS }, () => client.states('ListExecutions', { maxResults: 1 })))
  client.close()
  server.close()
  await once(server, 'close')
}
