/** A request as it came, before anyone believes it. */

import type { IncomingHttpHeaders } from 'node:http'

export interface RawRequest {
  readonly method: string
  /** As sent: percent-encoded, before the `?`. */
  readonly rawPath: string
  /** Names and values as sent, percent-encoded. */
  readonly rawQuery: readonly (readonly [string, string])[]
  /** Lower-case names; repeated ones joined by a comma. */
  readonly headers: ReadonlyMap<string, string>
}

/** @param url path and query of the request line */
export function rawRequest(method: string, url: string, headers: IncomingHttpHeaders): RawRequest {
  const mark = url.indexOf('?')
  const named = new Map<string, string>()
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) named.set(name, Array.isArray(value) ? value.join(',') : value)
  return {
    method,
    rawPath: mark === -1 ? url : url.slice(0, mark),
    rawQuery: mark === -1 ? [] : parseRawQuery(url.slice(mark + 1)),
    headers: named,
  }
}

function parseRawQuery(text: string): [string, string][] {
  return text
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const equals = part.indexOf('=')
      return equals === -1 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)]
    })
}

/** Percent-decoding; text that is not encoded well stays as it is. */
export function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (thrown) {
    if (thrown instanceof URIError) return text
    throw thrown
  }
}

/** In queries a plus is a space. */
export const queryDecode = (text: string): string => percentDecode(text.replace(/\+/g, ' '))

/** RFC 3986: everything but unreserved characters, as signatures have it. */
export const uriEncode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * A pre-signed request with the headers that its signer moved into the query, e.g. `x-amz-meta-who`. Checksums stay out:
 * presigners put that of an empty body there, which the upload to come does not have.
 */
export function withHoistedHeaders(request: RawRequest): RawRequest {
  const hoisted = request.rawQuery
    .map(([name, value]): [string, string] => [queryDecode(name).toLowerCase(), queryDecode(value)])
    .filter(([name]) => name.startsWith('x-amz-') && !NOT_HOISTED.test(name))
    .map(([name, value]): [string, string] => [name, Buffer.from(value).toString('latin1')])
  return hoisted.length === 0 ? request : { ...request, headers: new Map([...hoisted, ...request.headers]) }
}

const NOT_HOISTED =
  /^x-amz-(algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256|checksum-.*|sdk-checksum-algorithm)$/
