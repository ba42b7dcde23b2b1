/** Who signed a request, and whether the signature holds. */

import type { CredentialStore, KnownKey } from '../iam/credentials.ts'
import type { Caller } from '../service.ts'
import type { RawRequest } from './request.ts'
import {
  canonicalRequest,
  equalSignatures,
  type PresentedSignature,
  parseTimestampBasic,
  sign,
  signingKey,
  stringToSign,
} from './sigv4.ts'

/** Why a request is not believed; each protocol words it its own way. */
export type Distrust =
  | { readonly kind: 'unsigned' }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'unknown-key'; readonly accessKeyId: string }
  | { readonly kind: 'wrong-token' }
  | { readonly kind: 'wrong-region'; readonly region: string; readonly expected: string }
  | { readonly kind: 'skewed'; readonly timestamp: string; readonly serverTime: Date }
  | { readonly kind: 'expired'; readonly expiresSeconds: number; readonly expiredAt: Date; readonly serverTime: Date }
  | { readonly kind: 'wrong-signature'; readonly stringToSign: string; readonly canonicalRequest: string }

export interface Authenticated {
  readonly caller: Caller
  readonly presented: PresentedSignature
  /** For the signatures of chunks. */
  readonly key: Buffer
}

const MAX_SKEW_MILLIS = 15 * 60 * 1000
/** A week. */
const MAX_EXPIRES_SECONDS = 604_800

export interface AuthenticatorOptions {
  readonly credentials: CredentialStore
  readonly region: string
  readonly now: () => Date
}

/** Verifies requests; signing keys of the day are kept. */
export function createAuthenticator(options: AuthenticatorOptions) {
  const keys = new Map<string, Buffer>()
  const keyOf = (known: KnownKey, presented: PresentedSignature): Buffer => {
    const { accessKeyId, date, region, service } = presented.scope
    const name = `${accessKeyId}/${date}/${region}/${service}`
    const kept = keys.get(name)
    if (kept !== undefined) return kept
    if (keys.size > 1000) keys.clear()
    const made = signingKey(known.credentials.secretAccessKey, presented.scope)
    keys.set(name, made)
    return made
  }
  /**
   * @param presented what `presentedSignature` read of the request
   * @param payloadHash of the body as received, or as S3's clients declare it
   */
  return (
    request: RawRequest,
    presented: PresentedSignature | null | 'malformed',
    payloadHash: string,
  ): Authenticated | Distrust => {
    if (presented === null) return { kind: 'unsigned' }
    if (presented === 'malformed') return { kind: 'malformed' }
    const { scope } = presented
    const known = options.credentials.find(scope.accessKeyId)
    if (known === undefined) return { kind: 'unknown-key', accessKeyId: scope.accessKeyId }
    if ((known.credentials.sessionToken ?? null) !== presented.sessionToken) return { kind: 'wrong-token' }
    if (scope.region !== options.region) {
      return { kind: 'wrong-region', region: scope.region, expected: options.region }
    }
    const late = distrustTime(presented, options.now())
    if (late !== null) return late
    const key = keyOf(known, presented)
    const canonical = canonicalRequest(request, presented, payloadHash)
    const text = stringToSign(presented, canonical)
    const signsHost = presented.signedHeaders.includes('host')
    if (!signsHost || !equalSignatures(sign(key, text), presented.signature)) {
      return { kind: 'wrong-signature', stringToSign: text, canonicalRequest: canonical }
    }
    return { caller: known.caller, presented, key }
  }
}

function distrustTime(presented: PresentedSignature, serverTime: Date): Distrust | null {
  const { timestamp, expiresSeconds, scope } = presented
  const signedAt = parseTimestampBasic(timestamp)
  if (signedAt === null || !timestamp.startsWith(scope.date)) return { kind: 'malformed' }
  const ageMillis = serverTime.getTime() - signedAt.getTime()
  if (expiresSeconds === null) {
    return Math.abs(ageMillis) > MAX_SKEW_MILLIS ? { kind: 'skewed', timestamp, serverTime } : null
  }
  if (expiresSeconds > MAX_EXPIRES_SECONDS) return { kind: 'malformed' }
  if (ageMillis < -MAX_SKEW_MILLIS) return { kind: 'skewed', timestamp, serverTime }
  const expiredAt = new Date(signedAt.getTime() + expiresSeconds * 1000)
  return serverTime > expiredAt ? { kind: 'expired', expiresSeconds, expiredAt, serverTime } : null
}
