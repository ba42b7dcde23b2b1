import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { digestOf } from '../../core/digest.ts'
import { openDuckdb } from '../../glue/duckdb.ts'
import { printGenerator } from '../../glue/generate.ts'
import { type RanCase, readContract, readMapping, runCase, SETTINGS } from './harness.ts'

const contract = { ...readContract('orders'), rejectTolerance: 1 }

async function generate(tenant: string, seed: number, defects: number): Promise<Buffer> {
  const path = join(mkdtempSync(join(tmpdir(), 'sluice-generate-')), `${tenant}.csv`)
  const engine = await openDuckdb(SETTINGS)
  try {
    const mapping = readMapping(tenant, 'orders')
    for (const sql of printGenerator({ contract, mapping, rows: 3000, seed, defects, path })) await engine.run(sql)
  } finally {
    engine.close()
  }
  return readFileSync(path)
}

const run = async (tenant: string, defects: number): Promise<RanCase> =>
  runCase({ contract, mapping: readMapping(tenant, 'orders'), content: await generate(tenant, 7, defects) })

describe('generated orders', () => {
  test('equal seeds give equal files, other seeds others', async () => {
    const digest = async (seed: number): Promise<string> => digestOf(await generate('acme', seed, 0.01))
    expect(await digest(1)).toBe(await digest(1))
    expect(await digest(2)).not.toBe(await digest(1))
  })

  test('TRF-01, TRF-12: two tenants with other names, dates, numbers and delimiters end in the same canonical rows', async () => {
    const [acme, globex] = [await run('acme', 0), await run('globex', 0)]
    expect(acme.summary.counts.rejected).toBe(0)
    expect(acme.summary.counts.duplicates).toBeGreaterThan(0)
    expect(globex.summary.counts).toEqual(acme.summary.counts)
    expect(globex.summary.contentHash).toBe(acme.summary.contentHash)
  })

  test('the share of broken rows is asked for, and each way to break a row is caught', async () => {
    for (const tenant of ['acme', 'globex']) {
      const { summary } = await run(tenant, 0.1)
      expect(summary.counts.rejected).toBeGreaterThan(200)
      expect(summary.counts.rejected).toBeLessThan(400)
      expect(new Set(summary.rejectCodes.map(({ code }) => code))).toEqual(
        new Set(
          tenant === 'acme'
            ? ['column_count', 'type_mismatch', 'required_missing', 'scale_exceeded']
            : ['column_count', 'type_mismatch', 'required_missing', 'scale_exceeded', 'out_of_range'],
        ),
      )
    }
  })
})
