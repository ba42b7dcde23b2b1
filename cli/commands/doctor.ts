import { existsSync, statfsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Invocation } from '../invocation.ts'
import { EXIT, type ExitCode } from '../output.ts'
import { findRuntime, stateDirectoryOf } from '../session.ts'

interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly found: string
  readonly mend: string | null
}

const GIB = 1024 ** 3

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const ok = major > 20 || (major === 20 && minor >= 19)
  return {
    check: 'Node.js 20.19 or later',
    ok,
    found: process.versions.node,
    mend: ok ? null : 'install a newer Node.js',
  }
}

function freeSpace(directory: string): Finding {
  const { bavail, bsize } = statfsSync(directory)
  const free = (bavail * bsize) / GIB
  return {
    check: 'at least 2 GiB free for the state folder',
    ok: free >= 2,
    found: `${free.toFixed(1)} GiB`,
    mend: free >= 2 ? null : 'sluice reset --yes, or --state on another disk',
  }
}

async function engine(name: string, load: () => Promise<unknown>): Promise<Finding> {
  try {
    await load()
    return { check: name, ok: true, found: 'loads', mend: null }
  } catch (thrown) {
    return { check: name, ok: false, found: thrown instanceof Error ? thrown.message : String(thrown), mend: 'npm ci' }
  }
}

/** `sluice doctor`: what is missing or wrong on this machine, with the command that mends it. */
export async function doctor({ output, state, directory }: Invocation): Promise<ExitCode> {
  const assembly = existsSync(join(resolve(directory, 'cdk.out'), 'manifest.json'))
  const runtime = findRuntime(stateDirectoryOf(state, directory))
  const findings: Finding[] = [
    nodeVersion(),
    freeSpace(directory),
    await engine('DuckDB', () => import('@duckdb/node-api')),
    await engine('LMDB', () => import('lmdb')),
    {
      check: 'cloud assembly in cdk.out',
      ok: assembly,
      found: assembly ? 'there' : 'missing',
      mend: assembly ? null : 'npm run synth',
    },
    {
      check: 'runtime',
      ok: true,
      found: runtime === null ? 'not running' : `running at ${runtime.endpoint}`,
      mend: null,
    },
  ]
  output.result(findings, () =>
    findings
      .map(
        ({ check, ok, found, mend }) =>
          `${ok ? 'ok    ' : 'wrong '} ${check}: ${found}${mend === null ? '' : `\n         mend with: ${mend}`}`,
      )
      .join('\n'),
  )
  return findings.every((finding) => finding.ok) ? EXIT.done : EXIT.no
}
