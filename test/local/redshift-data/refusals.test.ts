import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { COPY_ROLE, type WarehouseFixture, warehouseFixture } from './warehouse-fixture.ts'

let warehouse: WarehouseFixture
beforeAll(async () => {
  warehouse = await warehouseFixture()
  for (const sql of [
    'CREATE SCHEMA s',
    'CREATE TABLE s.target (k VARCHAR(8) NOT NULL, v INTEGER)',
    'CREATE TABLE s.source (k VARCHAR(8), v INTEGER)',
    'CREATE TABLE s.typed (a INTEGER, b BIGINT, c DECIMAL(12,2), d DATE, e TIMESTAMP, f VARCHAR(4), g DOUBLE PRECISION, h BOOLEAN)',
  ])
    await warehouse.sql(sql)
}, 120_000)
afterAll(() => warehouse.close())

const merge = (whens: string, source = 's.source'): string =>
  `MERGE INTO s.target USING ${source} ON target.k = source.k ${whens}`
const BOTH = 'WHEN MATCHED THEN UPDATE SET v = source.v WHEN NOT MATCHED THEN INSERT (k, v) VALUES (source.k, source.v)'

describe('values', () => {
  test('VARCHAR(n) counts bytes, in any statement', async () => {
    await warehouse.sql("INSERT INTO s.source VALUES ('éééé', 1)")
    expect(await warehouse.errorOf("INSERT INTO s.source VALUES ('ééééé', 1)")).toBe(
      'ERROR: Value too long for type character varying(8) in column "k"',
    )
    expect(await warehouse.errorOf("UPDATE s.source SET k = 'ééééé'")).toMatch(/Value too long/)
    await warehouse.sql('DELETE FROM s.source')
  })

  test('whole numbers divide to whole numbers, others do not', async () => {
    await warehouse.sql("INSERT INTO s.source VALUES ('a', 7)")
    expect(
      await warehouse.sql(
        'SELECT 7 / 2, -7 / 2, 7 / 2.0, v / 2, sum(v) / count(*), (v + 1) / 3, v / 2.0 FROM s.source GROUP BY v',
      ),
    ).toEqual([[3, -3, 3.5, 3, '7', 2, 3.5]])
    expect(await warehouse.errorOf('SELECT v / 0 FROM s.source')).toBe('ERROR: Divide by zero')
    await warehouse.sql('DELETE FROM s.source')
  })

  test('trailing blanks play no part in comparisons of VARCHAR', async () => {
    await warehouse.sql("INSERT INTO s.source VALUES ('a ', 1)")
    expect(
      await warehouse.sql("SELECT count(*) FROM s.source WHERE k = 'a' AND k IN ('b', 'a   ') AND k <> 'b'"),
    ).toEqual([[1]])
    await warehouse.sql('DELETE FROM s.source')
  })

  test('NOT NULL is enforced', async () => {
    expect(await warehouse.errorOf('INSERT INTO s.target VALUES (NULL, 1)')).toBe(
      'ERROR: Cannot insert a NULL value into column k',
    )
  })
})

describe('MERGE', () => {
  const REFUSED = [
    {
      why: 'a condition',
      sql: merge(
        'WHEN MATCHED AND source.v > 1 THEN UPDATE SET v = source.v WHEN NOT MATCHED THEN INSERT VALUES (source.k, 1)',
      ),
      message: 'ERROR: syntax error at or near "AND"',
    },
    {
      why: 'a missing branch',
      sql: merge('WHEN MATCHED THEN UPDATE SET v = source.v'),
      message: 'ERROR: MERGE must have one WHEN MATCHED and one WHEN NOT MATCHED clause',
    },
    {
      why: 'NOT MATCHED BY SOURCE',
      sql: merge(`${BOTH} WHEN NOT MATCHED BY SOURCE THEN DELETE`),
      message: 'ERROR: syntax error at or near "BY"',
    },
    {
      why: 'an alias of the target',
      sql: 'MERGE INTO s.target AS t USING s.source ON t.k = source.k WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (source.k, 1)',
      message: 'ERROR: MERGE target must be a table without an alias',
    },
  ]
  for (const { why, sql, message } of REFUSED)
    test(`refuses ${why}`, async () => expect(await warehouse.errorOf(sql)).toBe(message))

  test('refuses two sources for one target row, and inserts unmatched duplicates silently', async () => {
    await warehouse.sql("INSERT INTO s.target VALUES ('a', 0)")
    await warehouse.sql("INSERT INTO s.source VALUES ('a', 1), ('a ', 2)")
    expect(await warehouse.errorOf(merge(BOTH))).toBe('ERROR: Found multiple matches to update the same tuple.')
    await warehouse.sql('DELETE FROM s.target')
    await warehouse.sql(merge(BOTH))
    expect(await warehouse.sql('SELECT v FROM s.target ORDER BY v')).toEqual([[1], [2]])
    await warehouse.sql('DELETE FROM s.target')
    await warehouse.sql('DELETE FROM s.source')
  })
})

describe('transactions', () => {
  test('TRUNCATE commits what came before it', async () => {
    const outcomes = await warehouse.batch([
      "INSERT INTO s.target VALUES ('kept', 1)",
      'TRUNCATE s.source',
      'SELECT * FROM s.nothing',
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['FINISHED', 'FINISHED', 'FAILED'])
    expect(await warehouse.sql('SELECT k FROM s.target')).toEqual([['kept']])
    await warehouse.sql('DELETE FROM s.target')
  })

  test('a failing statement rolls the batch back and aborts what follows', async () => {
    const outcomes = await warehouse.batch([
      "INSERT INTO s.target VALUES ('lost', 1)",
      'SELECT * FROM s.nothing',
      'SELECT 1',
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['FINISHED', 'FAILED', 'ABORTED'])
    expect(outcomes[1]?.error).toBe('ERROR: relation "s.nothing" does not exist')
    expect(await warehouse.sql('SELECT count(*) FROM s.target')).toEqual([[0]])
  })

  test('ALTER COLUMN and VACUUM do not run in a transaction, and LOCK runs in nothing else', async () => {
    const altered = await warehouse.batch(['ALTER TABLE s.target ALTER COLUMN k TYPE VARCHAR(20)', 'SELECT 1'])
    expect(altered[0]?.error).toBe('ERROR: ALTER TABLE ALTER COLUMN cannot run inside a transaction block')
    expect((await warehouse.batch(['VACUUM s.target', 'SELECT 1']))[0]?.error).toMatch(
      /cannot run inside a transaction block/,
    )
    expect(await warehouse.errorOf('LOCK TABLE s.target')).toBe(
      'ERROR: LOCK TABLE can only be used in transaction blocks',
    )
  })

  test('a widened VARCHAR takes longer values', async () => {
    await warehouse.sql('CREATE TABLE s.narrow (a VARCHAR(2))')
    await warehouse.sql("INSERT INTO s.narrow VALUES ('ab')")
    await warehouse.sql('ALTER TABLE s.narrow ALTER COLUMN a TYPE VARCHAR(4)')
    await warehouse.sql("INSERT INTO s.narrow VALUES ('abcd')")
    expect(await warehouse.errorOf("INSERT INTO s.narrow VALUES ('abcde')")).toMatch(/varying\(4\)/)
    expect(await warehouse.sql('SELECT a FROM s.narrow ORDER BY a')).toEqual([['ab'], ['abcd']])
  })
})

describe('COPY', () => {
  const GOOD =
    "1::INTEGER AS a, 2::BIGINT AS b, 3.5::DECIMAL(12,2) AS c, DATE '2026-01-01' AS d, TIMESTAMP '2026-01-01' AS e, 'text' AS f, 1.5::DOUBLE AS g, TRUE AS h"
  const copy = (manifest: string, options = 'FORMAT AS PARQUET MANIFEST', role = COPY_ROLE): string =>
    `COPY s.typed FROM '${manifest}' IAM_ROLE '${role}' ${options}`

  test('loads matching files by position, whatever their columns are called', async () => {
    await warehouse.sql(copy(await warehouse.writeParquet('good', `SELECT ${GOOD.replace('AS a', 'AS zzz')}`)))
    expect(await warehouse.sql('SELECT a, b, c, d, e, f, g, h FROM s.typed')).toEqual([
      [1, 2, '3.50', '2026-01-01', '2026-01-01 00:00:00', 'text', 1.5, true],
    ])
  })

  const WRONG = [
    {
      why: 'another number of columns',
      select: `SELECT ${GOOD}, 1 AS i`,
      message: /Unmatched number of columns between table and file\. Table columns: 8, Data columns: 9/,
    },
    {
      why: 'INT64 for an INTEGER',
      select: `SELECT ${GOOD.replace('1::INTEGER', '1::BIGINT')}`,
      message: /incompatible Parquet schema for column .+\.a'\. Column type: INTEGER, Parquet schema: INT64/,
    },
    {
      why: 'INT32 for a BIGINT',
      select: `SELECT ${GOOD.replace('2::BIGINT', '2::INTEGER')}`,
      message: /Column type: BIGINT, Parquet schema: INT32/,
    },
    {
      why: 'another scale',
      select: `SELECT ${GOOD.replace('DECIMAL(12,2)', 'DECIMAL(12,3)')}`,
      message: /Column type: DECIMAL\(12,2\)/,
    },
    {
      why: 'DOUBLE for a DECIMAL',
      select: `SELECT ${GOOD.replace('DECIMAL(12,2)', 'DOUBLE')}`,
      message: /Parquet schema: DOUBLE/,
    },
    {
      why: 'text for a DATE',
      select: `SELECT ${GOOD.replace("DATE '2026-01-01'", "'2026-01-01'")}`,
      message: /Column type: DATE/,
    },
    {
      why: 'nanoseconds for a TIMESTAMP',
      select: `SELECT ${GOOD.replace("TIMESTAMP '2026-01-01'", "TIMESTAMP_NS '2026-01-01'")}`,
      message: /Column type: TIMESTAMP/,
    },
    {
      why: 'a text of too many bytes',
      select: `SELECT ${GOOD.replace("'text'", "'ééé'")}`,
      message: /Value too long for type character varying\(4\) in column "f"/,
    },
  ]
  for (const [index, { why, select, message }] of WRONG.entries())
    test(`refuses ${why}, and loads nothing`, async () => {
      const before = await warehouse.sql('SELECT count(*) FROM s.typed')
      expect(await warehouse.errorOf(copy(await warehouse.writeParquet(`wrong-${index}`, select)))).toMatch(message)
      expect(await warehouse.sql('SELECT count(*) FROM s.typed')).toEqual(before)
    })

  const manifest = (name: string, content: unknown): string => {
    writeFileSync(join(warehouse.folder, name), JSON.stringify(content))
    return `s3://curated/${name}`
  }
  test('refuses a manifest without content_length', async () => {
    const uri = manifest('bare.json', { entries: [{ url: 's3://curated/good.parquet', mandatory: true }] })
    expect(await warehouse.errorOf(copy(uri))).toMatch(/requires .+ meta\.content_length/)
  })
  test('refuses a file of another length than the manifest says', async () => {
    const uri = manifest('short.json', {
      entries: [{ url: 's3://curated/good.parquet', mandatory: true, meta: { content_length: 1 } }],
    })
    expect(await warehouse.errorOf(copy(uri))).toMatch(/the manifest says 1/)
  })
  test('refuses a mandatory file that is not there, and a manifest of which nothing is there', async () => {
    const entry = { url: 's3://curated/none.parquet', mandatory: true, meta: { content_length: 1 } }
    expect(await warehouse.errorOf(copy(manifest('absent.json', { entries: [entry] })))).toMatch(/Failed to open/)
    expect(
      await warehouse.errorOf(copy(manifest('optional.json', { entries: [{ ...entry, mandatory: false }] }))),
    ).toMatch(/No files found/)
    expect(await warehouse.errorOf(copy(manifest('empty.json', { entries: [] })))).toMatch(/No files found/)
  })
  test('refuses options of other formats, other formats, and roles that the namespace does not have', async () => {
    expect(await warehouse.errorOf(copy('s3://curated/good.json', 'FORMAT AS PARQUET MANIFEST MAXERROR'))).toMatch(
      /MAXERROR argument is not supported for PARQUET/,
    )
    expect(await warehouse.errorOf(copy('s3://curated/good.json', 'FORMAT AS CSV MANIFEST'))).toMatch(
      /COPY FORMAT CSV is not supported here/,
    )
    expect(
      await warehouse.errorOf(
        copy('s3://curated/good.json', 'FORMAT AS PARQUET MANIFEST', 'arn:aws:iam::0:role/other'),
      ),
    ).toMatch(/Not authorized to get credentials of role/)
    expect(await warehouse.errorOf("COPY s.typed FROM 's3://curated/good.json' FORMAT AS PARQUET MANIFEST")).toMatch(
      /requires credentials/,
    )
  })
})

describe('names', () => {
  test('an identifier of more than 127 bytes is refused', async () => {
    expect(await warehouse.errorOf(`CREATE TABLE s.${'x'.repeat(128)} (a INTEGER)`)).toMatch(/longer than 127 bytes/)
  })
  const REFUSED = [
    ["SELECT * FROM read_text('/etc/hostname')", /function in FROM is not supported/],
    ['SELECT * FROM "/etc/hostname"', /relation "\/etc\/hostname" does not exist/],
    ["COPY (SELECT 1) TO '/tmp/x'", /syntax error/],
    ["ATTACH '/tmp/x.db' AS x", /syntax error|not supported/],
    ['PRAGMA database_list', /syntax error|not supported/],
    ["SET memory_limit = '1GB'", /syntax error|not supported/],
    ['SELECT 1; SELECT 2', /several statements/],
    ['SELECT * FROM sluice_catalog.grants', /does not exist/],
  ] as const
  for (const [sql, message] of REFUSED)
    test(`${sql} does not reach the engine`, async () => expect(await warehouse.errorOf(sql)).toMatch(message))
})
