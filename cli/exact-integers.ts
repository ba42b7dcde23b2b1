import { Readable } from 'node:stream'
import type { RedshiftDataClient } from '@aws-sdk/client-redshift-data'

/** 64-bit integers that a JavaScript number would round; inside of a string value the quotes are escaped, so none matches there. */
const LONG = /(?<!\\)"longValue":(-?\d{16,})/g

/** The body's text with long integers as texts, which a field may be as well. */
export const keepDigits = (body: string): string => body.replace(LONG, '"stringValue":"$1"')

async function textOf(body: unknown): Promise<string> {
  const chunks: Uint8Array[] = []
  if (body instanceof Readable) for await (const chunk of body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}

/**
 * Lets a client answer integers beyond 2^53 digit by digit, as `stringValue`: the Data API sends them as JSON numbers, which
 * the SDK reads as doubles.
 */
export function withExactIntegers(client: RedshiftDataClient): RedshiftDataClient {
  const { requestHandler } = client.config
  const handle = requestHandler.handle.bind(requestHandler)
  requestHandler.handle = async (request, options) => {
    const { response } = await handle(request, options)
    if (response.body instanceof Readable)
      response.body = Readable.from([Buffer.from(keepDigits(await textOf(response.body)))])
    return { response }
  }
  return client
}
