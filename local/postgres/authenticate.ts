/** Logging in as RDS lets in: IAM users by a signed token, the administrator by the password of its secret. */
import { timingSafeEqual } from 'node:crypto'
import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Credentials } from '../iam/credentials.ts'
import type { Caller, Clock, Permission } from '../service.ts'
import type { Authenticate } from './login.ts'

export interface AuthenticateOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
  /** In the ARN of `rds-db:connect`. */
  readonly databaseResourceId: string
  /** The host and port that clients sign for. */
  readonly address: () => { readonly host: string; readonly port: number }
  readonly findKey: (accessKeyId: string) => { readonly credentials: Credentials; readonly caller: Caller } | undefined
  /** @throws when the caller may not */
  readonly authorize: (caller: Caller, permission: Permission) => Promise<void>
  /** Name and password of the administrator; `null` where the template has none. */
  readonly administrator: () => Promise<{ readonly username: string; readonly password: string } | null>
}

const TOKEN_SECONDS = 900

export function databaseAuthenticate(options: AuthenticateOptions): Authenticate {
  return async (user, password) => {
    const administrator = await options.administrator()
    if (user === administrator?.username && equalTexts(password, administrator.password)) {
      return { kind: 'administrator' }
    }
    await verifyToken(user, password, options)
    return { kind: 'role', name: user }
  }
}

/** The token is a pre-signed request without its scheme. */
async function verifyToken(user: string, token: string, options: AuthenticateOptions): Promise<void> {
  const refused = new Error(`PAM authentication failed for user "${user}"`)
  const url = URL.parse(`https://${token}`)
  if (url === null) throw refused
  const parameter = (name: string): string => url.searchParams.get(name) ?? ''
  const [accessKeyId = ''] = parameter('X-Amz-Credential').split('/')
  const known = options.findKey(accessKeyId)
  const signedAt = timestampOf(parameter('X-Amz-Date'))
  const { host, port } = options.address()
  if (known === undefined || signedAt === null || parameter('DBUser') !== user) throw refused
  if (url.host !== `${host}:${port}`) throw refused
  const ageSeconds = (options.clock.now().getTime() - signedAt.getTime()) / 1000
  if (Math.abs(ageSeconds) > TOKEN_SECONDS) throw refused
  const expected = await signatureOf({
    user,
    host,
    port,
    signedAt,
    credentials: known.credentials,
    region: options.region,
  })
  if (!equalTexts(parameter('X-Amz-Signature'), expected)) throw refused
  const { region, accountId, databaseResourceId } = options
  const resource = `arn:aws:rds-db:${region}:${accountId}:dbuser:${databaseResourceId}/${user}`
  await options.authorize(known.caller, { action: 'rds-db:connect', resource })
}

async function signatureOf(facts: {
  readonly user: string
  readonly host: string
  readonly port: number
  readonly signedAt: Date
  readonly credentials: Credentials
  readonly region: string
}): Promise<string> {
  const { host: hostname, port, user } = facts
  const signer = new SignatureV4({
    service: 'rds-db',
    region: facts.region,
    credentials: facts.credentials,
    sha256: Sha256,
  })
  const request = {
    method: 'GET',
    protocol: 'https:',
    hostname,
    port,
    path: '/',
    query: { Action: 'connect', DBUser: user },
    headers: { host: `${hostname}:${port}` },
  }
  const { query } = await signer.presign(request, { expiresIn: TOKEN_SECONDS, signingDate: facts.signedAt })
  return String(query?.['X-Amz-Signature'])
}

function timestampOf(text: string): Date | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  if (match === null) return null
  const [, year, month, day, hour, minute, second] = match
  return new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function equalTexts(left: string, right: string): boolean {
  const [one, other] = [Buffer.from(left), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}
