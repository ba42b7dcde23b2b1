import { describe, expect, test } from '@jest/globals'
import type { Contract } from '../../core/contract.ts'
import type { JobId, TenantId } from '../../core/identifiers.ts'
import { deploymentStatements } from '../../warehouse/deploy.ts'
import { compileLoad, MAX_LOAD_SQL_BYTES } from '../../warehouse/load.ts'
import { quoteInstant, quoteName, quoteText } from '../../warehouse/quote.ts'
import { column, contractOf, SIGHTINGS, STOCK } from './contracts.ts'

const load = (contract: Contract, sourceKey = 'landing/acme/a.csv') =>
  compileLoad(contract, {
    copyRoleArn: 'arn:aws:iam::000000000000:role/copy',
    tenantId: 'acme' as TenantId,
    waivers: null,
    jobs: [
      {
        jobId: 'j000000000000000000000001' as JobId,
        registeredAt: '2026-01-01T00:00:00.000Z',
        sourceKey,
        sourceModifiedAt: '2026-01-01T00:00:00.000Z',
        sequencer: '00',
        mappingVersion: 1,
      },
    ],
  })

const wide = (columns: number, nameBytes: number): Contract =>
  contractOf(
    'wide',
    Array.from({ length: columns }, (_, index) =>
      column(`c${index}_`.padEnd(nameBytes, 'x'), { kind: 'string', maxCharacters: 100 }, index === 0),
    ),
  )

describe('the load of a run', () => {
  test('WH-02: fills staging by COPY of the manifest, positional and in file order, and inserts no single row', () => {
    const { stage, transaction } = load(STOCK)
    expect(stage.at(-1)).toMatch(
      /^COPY "staging"\."shop_stock_\{run\}" \("sku", "amount", "note", "extra", "_rescued",/,
    )
    expect(stage.at(-1)).toMatch(/FROM '\{manifest\}' IAM_ROLE '.+' FORMAT AS PARQUET MANIFEST STATUPDATE OFF$/)
    expect(transaction.join('\n')).not.toMatch(/INSERT INTO "mart"|VALUES \('/)
  })

  for (const contract of [STOCK, SIGHTINGS])
    test(`WH-07: of ${contract.dataset} is one transaction of at most 40 statements that locks first and answers last`, () => {
      const { transaction } = load(contract)
      expect(transaction.length).toBeLessThanOrEqual(40)
      expect(transaction[0]).toMatch(/^LOCK TABLE "ops"\."ledger_/)
      expect(transaction.at(-1)).toMatch(/^SELECT "inserted", "updated", "unchanged", "stale", .+ ORDER BY "job_id"$/)
      expect(transaction.join('\n')).not.toMatch(/DELETE FROM \S+ USING|TRUNCATE/)
    })

  test('of 60 columns stays below 90 KB', () => {
    const { stage, transaction } = load(wide(60, 40))
    expect(Buffer.byteLength([...stage, ...transaction].join('\n'))).toBeLessThan(MAX_LOAD_SQL_BYTES)
  })

  test('that is too long for a state is refused with its size', () => {
    expect(() => load(wide(200, 120))).toThrow(expect.objectContaining({ code: 'load_too_wide' }))
  })

  test('keeps placeholders out of texts that an object key brings', () => {
    const sql = load(STOCK, `landing/acme/{run}'\\.csv`).transaction.join('\n')
    expect(sql).toContain(`'landing/acme/' || CHR(123) || 'run' || CHR(125) || '''' || CHR(92) || '.csv'`)
  })

  test('names the columns of the manifest in the catalog’s types', () => {
    expect(load(SIGHTINGS).schema.slice(0, 3)).toEqual([
      { name: 'species', type: 'string' },
      { name: 'seen', type: 'int' },
      { name: '_rescued', type: 'string' },
    ])
  })
})

describe('the deployment', () => {
  const batches = deploymentStatements([STOCK, SIGHTINGS], {
    loaderUser: 'IAMR:sluice-ingest',
    tenants: ['acme' as TenantId],
  })
  const sqls = batches.flatMap((batch) => batch.sqls)

  test('WH-08: declares distribution and sort keys of each table', () => {
    expect(sqls.find((sql) => sql.includes('"mart"."shop_stock" ('))).toMatch(
      /DISTSTYLE KEY DISTKEY\("sku"\) COMPOUND SORTKEY\("tenant_id"\)$/,
    )
  })

  test('sends what knows no IF NOT EXISTS by itself, and says which error means that it is there', () => {
    for (const { sqls: sent, tolerate } of batches) {
      expect(sent.length).toBeLessThanOrEqual(40)
      const unguarded = sent.filter((sql) => /^CREATE (?:ROLE|USER)|ADD COLUMN/.test(sql))
      if (unguarded.length > 0)
        expect({ count: sent.length, tolerate }).toEqual({ count: 1, tolerate: 'already exists' })
    }
  })

  test('TEN-17: revokes base tables from everybody and puts row-level security on each view', () => {
    for (const name of ['shop_stock', 'sightings']) {
      expect(sqls).toContain(`REVOKE ALL ON "mart"."${name}" FROM PUBLIC`)
      expect(sqls).toContain(`ALTER TABLE "analytics"."${name}" ROW LEVEL SECURITY ON`)
    }
  })

  test('adds the columns of a later contract version, each by itself', () => {
    const later = deploymentStatements([{ ...STOCK, version: 2 }], { loaderUser: 'IAMR:l', tenants: [] })
    expect(later.filter(({ name }) => name.startsWith('column ')).map(({ sqls: sent }) => sent)).toEqual([
      ['ALTER TABLE "mart"."shop_stock" ADD COLUMN "amount" DECIMAL(12,2)'],
      ['ALTER TABLE "mart"."shop_stock" ADD COLUMN "note" VARCHAR(80)'],
      ['ALTER TABLE "mart"."shop_stock" ADD COLUMN "extra" VARCHAR(65535)'],
    ])
  })
})

describe('quoting', () => {
  test('doubles quotes and refuses what Redshift would cut', () => {
    expect(quoteName('a"b')).toBe('"a""b"')
    expect(() => quoteName('é'.repeat(64))).toThrow(expect.objectContaining({ code: 'invalid_identifier' }))
  })
  test('prints texts and instants', () => {
    expect(quoteText("it's")).toBe("'it''s'")
    expect(quoteText('')).toBe("''")
    expect(quoteInstant('2026-01-31T12:00:00.123456Z')).toBe("CAST('2026-01-31 12:00:00.123456' AS TIMESTAMP)")
    expect(() => quoteInstant('2026-01-31')).toThrow(expect.objectContaining({ code: 'invalid_instant' }))
  })
})
