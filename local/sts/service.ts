/** STS, as far as clients ask it who they are. */

import { createHash } from 'node:crypto'
import type { Service } from '../service.ts'

/** GetCallerIdentity, which needs no permission on AWS either. */
export const createStsService = ({ accountId }: { readonly accountId: string }): Service => ({
  id: 'sts',
  operations: {
    GetCallerIdentity: {
      permissions: () => [],
      run: async (_, { caller }) => ({
        UserId: userIdOf(caller.principalArn),
        Account: accountId,
        Arn: caller.principalArn,
      }),
    },
  },
})

/** Users have an id of their own; role sessions the role's id and the session's name. */
function userIdOf(principalArn: string): string {
  const isSession = principalArn.includes(':assumed-role/')
  const owner = isSession ? principalArn.slice(0, principalArn.lastIndexOf('/')) : principalArn
  const id = createHash('sha256').update(owner).digest('hex').slice(0, 17).toUpperCase()
  return isSession ? `AROA${id}:${principalArn.slice(owner.length + 1)}` : `AIDA${id}`
}
