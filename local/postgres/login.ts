/** The beginning of a connection: encryption declined, password asked for, user decided on. */
import type { Socket } from 'node:net'
import { cleartextPasswordRequest, type MessageReader, passwordOf } from './wire.ts'

/** Who logged in: a role of the database, or its administrator. */
export type DatabaseUser = { readonly kind: 'role'; readonly name: string } | { readonly kind: 'administrator' }

/** Decides on a user and password. @throws Error with what the client is told */
export type Authenticate = (user: string, password: string) => Promise<DatabaseUser>

export const INVALID_PASSWORD = '28P01'
export const PROTOCOL_VIOLATION = '08P01'

/** `waiting`: more bytes are needed; `continue`: call again. */
export type LoginStep = () => Promise<DatabaseUser | 'waiting' | 'continue'>

/** Takes one message a call, until it answers the user. */
export function loginSteps(socket: Socket, reader: MessageReader, authenticate: Authenticate): LoginStep {
  let userName: string | null = null
  return async () => {
    if (userName !== null) {
      const message = reader.message()
      return message === null ? 'waiting' : authenticate(userName, passwordOf(message))
    }
    const startup = reader.startup()
    if (startup === null) return 'waiting'
    if (startup.kind === 'encryption') socket.write('N')
    if (startup.kind === 'cancel') socket.end()
    if (startup.kind === 'startup') {
      userName = startup.parameters.user ?? ''
      socket.write(cleartextPasswordRequest())
    }
    return 'continue'
  }
}
