/** Access keys: the operator's, kept in the state folder, and those of roles, minted anew by each start. */

import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SluiceError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'
import type { Caller } from '../service.ts'

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Roles only. */
  readonly sessionToken?: string
}

export interface KnownKey {
  readonly credentials: Credentials
  readonly caller: Caller
}

export interface CredentialStore {
  readonly operator: Credentials
  /** The keys of a role's session; the same ones for the same role and session name, over restarts too. */
  credentialsFor(roleArn: string, sessionName?: string): Credentials
  /** Who signs with this key, or `undefined`. */
  find(accessKeyId: string): KnownKey | undefined
}

/** The caller that a role's session makes, as AWS names it. */
export function roleCaller(roleArn: string, sessionName: string): Caller {
  const [, , , , accountId, path = ''] = roleArn.split(':')
  const roleName = path.split('/').at(-1) ?? path
  return {
    principalArn: `arn:aws:sts::${accountId}:assumed-role/${roleName}/${sessionName}`,
    roleArn,
    servicePrincipal: null,
  }
}

/** The account's administrator. */
export const operatorCaller = (accountId: string): Caller => ({
  principalArn: `arn:aws:iam::${accountId}:user/operator`,
  roleArn: null,
  servicePrincipal: null,
})

/** A service calling on its own behalf, e.g. `events.amazonaws.com`. */
export const serviceCaller = (servicePrincipal: string): Caller => ({
  principalArn: servicePrincipal,
  roleArn: null,
  servicePrincipal,
})

/**
 * Reads the operator's keys from `credentials.json` of the state folder, or makes them (mode 600). Role keys are derived
 * from the operator's secret, so that a function that outlives a restart still signs with valid ones.
 * @throws SluiceError `state_unreadable` when the file is there but is not ours
 */
export function openCredentialStore(stateFolder: string, accountId: string): CredentialStore {
  const operator = readOrMakeOperator(join(stateFolder, 'credentials.json'))
  const known = new Map<string, KnownKey>([
    [operator.accessKeyId, { credentials: operator, caller: operatorCaller(accountId) }],
  ])
  return {
    operator,
    credentialsFor: (roleArn, sessionName = 'sluice') => {
      const derive = (what: string): Buffer =>
        createHmac('sha256', operator.secretAccessKey).update(`${what}\n${roleArn}\n${sessionName}`).digest()
      const accessKeyId = `ASIA${base32(derive('id')).slice(0, 16)}`
      const found = known.get(accessKeyId)
      if (found !== undefined) return found.credentials
      const credentials = {
        accessKeyId,
        secretAccessKey: derive('secret').toString('base64').slice(0, 40),
        sessionToken: derive('token').toString('base64'),
      }
      known.set(accessKeyId, { credentials, caller: roleCaller(roleArn, sessionName) })
      return credentials
    },
    find: (accessKeyId) => known.get(accessKeyId),
  }
}

function readOrMakeOperator(file: string): Credentials {
  if (existsSync(file)) return parseOperator(readFileSync(file, 'utf8'), file)
  const made = {
    accessKeyId: `AKIA${base32(randomBytes(20)).slice(0, 16)}`,
    secretAccessKey: randomBytes(30).toString('base64'),
  }
  writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flush: true })
  return made
}

function parseOperator(text: string, file: string): Credentials {
  const parsed: unknown = JSON.parse(text)
  if (isJsonObject(parsed)) {
    const { accessKeyId, secretAccessKey } = parsed
    if (typeof accessKeyId === 'string' && typeof secretAccessKey === 'string') return { accessKeyId, secretAccessKey }
  }
  throw new SluiceError('state_unreadable', `Cannot read the operator's keys from "${file}"`, {
    expected: 'an object with accessKeyId and secretAccessKey',
    hint: 'Remove the file: new keys are made at the next start.',
  })
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const base32 = (bytes: Uint8Array): string => [...bytes].map((byte) => BASE32[byte % 32]).join('')
