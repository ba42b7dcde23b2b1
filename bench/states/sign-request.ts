/** Signature Version 4 for a client that must cost less than what it measures: one key a day, no copies of the body. */
import { createHmac, hash } from 'node:crypto'

export interface Endpoint {
  readonly url: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** Headers of a request with its date and signature. `payloadHash`: SHA-256 in hexadecimal digits, or a special word. */
export type RequestSigner = (
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  payloadHash: string,
) => Record<string, string>

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** A signer of one service's requests. Paths are plain: what would have to be encoded is not signed right. */
export function requestSigner({ region, credentials }: Endpoint, service: string): RequestSigner {
  let day = ''
  let key: Buffer = Buffer.alloc(0)
  return (method, path, given, payloadHash) => {
    const time = new Date().toISOString()
    const timestamp = `${time.slice(0, 4)}${time.slice(5, 7)}${time.slice(8, 13)}${time.slice(14, 16)}${time.slice(17, 19)}Z`
    const today = timestamp.slice(0, 8)
    if (day !== today) {
      key = hmac(hmac(hmac(hmac(`AWS4${credentials.secretAccessKey}`, today), region), service), 'aws4_request')
      day = today
    }
    const headers: Record<string, string> = { ...given, 'x-amz-date': timestamp }
    const names = Object.keys(headers).sort()
    const signedNames = names.join(';')
    let canonical = `${method}\n${path}\n\n`
    for (const name of names) canonical += `${name}:${headers[name]}\n`
    canonical += `\n${signedNames}\n${payloadHash}`
    const scope = `${today}/${region}/${service}/aws4_request`
    const toSign = `AWS4-HMAC-SHA256\n${timestamp}\n${scope}\n${hash('sha256', canonical, 'hex')}`
    const signature = createHmac('sha256', key).update(toSign).digest('hex')
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${signedNames}, Signature=${signature}`
    return headers
  }
}
