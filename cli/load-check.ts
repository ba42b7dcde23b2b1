import { join } from 'node:path'
import { SluiceError } from '../core/errors.ts'
import { parseJobId, parseTenantId } from '../core/identifiers.ts'
import type { FileProblem } from '../core/yaml-document.ts'
import { compileLoad } from '../warehouse/load.ts'
import type { Project } from './project.ts'

/** Values at their longest: the SQL of a load grows with them. */
const LONGEST = {
  copyRoleArn: `arn:aws:iam::000000000000:role/${'r'.repeat(64)}`,
  tenantId: parseTenantId(`t${'x'.repeat(23)}`),
  waivers: 'w'.repeat(4000),
  jobs: [
    {
      jobId: parseJobId(`j${'0'.repeat(24)}`),
      registeredAt: '2026-01-01T00:00:00.000Z',
      sourceKey: 'k'.repeat(1024),
      sourceModifiedAt: '2026-01-01T00:00:00.000Z',
      sequencer: '0'.repeat(32),
      mappingVersion: 999_999,
    },
  ],
}

/** Contracts whose load would not fit the one state that sends it. */
export function loadSizeProblems({ contracts }: Project, folder: string): FileProblem[] {
  const problems: FileProblem[] = []
  for (const contract of contracts.values()) {
    try {
      compileLoad(contract, LONGEST)
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown
      const { code, message, expected, found } = thrown
      const facts = { ...(expected === undefined ? {} : { expected }), ...(found === undefined ? {} : { found }) }
      problems.push({ code, message, where: { file: join(folder, `${contract.dataset}.yaml`) }, ...facts })
    }
  }
  return problems
}
