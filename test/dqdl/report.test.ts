import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { XMLParser } from 'fast-xml-parser'
import { chromium } from 'playwright-core'
import { dqRun } from '../../dqdl/dq-commands.ts'
import { distributionsOf } from '../../dqdl/report/distributions.ts'
import { type FailingRows, firstFailingRows } from '../../dqdl/report/failing-rows.ts'
import { printHtml } from '../../dqdl/report/html.ts'
import { printJunit } from '../../dqdl/report/junit.ts'
import type { Duckdb } from '../../glue/duckdb.ts'
import { NOW, openEngine } from './engine.ts'

let engine: Duckdb
let folder: string
beforeAll(async () => {
  engine = await openEngine()
  folder = await mkdtemp(join(tmpdir(), 'sluice-report-'))
  const rows = Array.from(
    { length: 60 },
    (_, i) => `o${i === 8 ? 7 : i},${i * 3},${i % 9 === 0 ? '' : ['EUR', 'USD'][i % 2]}`,
  )
  await writeFile(join(folder, 'orders.csv'), `order_id,amount,"cur <b>&"\n${rows.join('\n')}\n`)
})
afterAll(async () => {
  engine.close()
  await rm(folder, { recursive: true, force: true })
})

const RULES = `Rules = [
  RowCount = 60, IsUnique "order_id", ColumnValues "amount" between -1 and 150, IsComplete "cur <b>&",
  Mean "amount" > 1000 labels=["severity"="warn"], RowCount > nope(1), StandardDeviation "amount" < 100 ]\n`

let runs = 0
async function run(times: number) {
  runs += 1
  await writeFile(join(folder, 'rules.dqdl'), RULES)
  const request = {
    rulesFile: join(folder, 'rules.dqdl'),
    dataFile: join(folder, 'orders.csv'),
    references: {},
    historyFolder: join(folder, `history-${runs}`),
    failuresFile: null,
  }
  for (let earlier = times; earlier > 0; earlier -= 1)
    await dqRun({ ...request, now: new Date(NOW.getTime() - earlier * 3_600_000) }, engine)
  return dqRun({ ...request, now: NOW }, engine)
}

const numbersOf = ({ rows }: FailingRows): readonly number[] => rows.map(({ number }) => number)

describe('first failing rows', () => {
  test('are the first ones of each rule that rows can break, with the columns of the rule in front', async () => {
    const { evaluated } = await run(0)
    const failing = await firstFailingRows(evaluated, 3, engine)
    expect(failing.map((each) => [each.name, each.columns[0], numbersOf(each)])).toEqual([
      ['Rule_2', 'order_id', [8, 9]],
      ['Rule_3', 'amount', [51, 52, 53]],
      ['Rule_4', 'cur <b>&', [1, 10, 19]],
    ])
    expect(failing[2]?.rows[0]?.values).toEqual([null, 'o0', '0'])
  })
})

describe('distributions', () => {
  test('are bins of numbers and days, frequent values of texts, and nothing of what has neither', async () => {
    await engine.run(`CREATE OR REPLACE TEMP VIEW sluice_data AS SELECT range AS n, CASE WHEN range > 3 THEN 'NaN'::DOUBLE ELSE range END AS f,
      DATE '2026-01-01' + range::INTEGER AS d, CASE WHEN range = 1 THEN NULL ELSE ['x', ''][1 + range % 2] END AS t, {'a': 1} AS s, uuid() AS u,
      'infinity'::TIMESTAMP AS i, 7 AS one, NULL::INTEGER AS none FROM range(56)`)
    const described = await engine.rows('DESCRIBE sluice_data')
    const columns = described.map((row) => ({ name: String(row.column_name), duckdbType: String(row.column_type) }))
    const found = new Map((await distributionsOf(columns, engine)).map((each) => [each.column, each]))
    expect([...found.keys()]).toEqual(['n', 'f', 'd', 'one', 't', 'u'])
    expect(found.get('n')).toMatchObject({ kind: 'numbers', range: { low: 0, high: 55 } })
    expect(found.get('n')?.bars.every(({ rows }) => rows === 2)).toBe(true)
    expect(found.get('f')?.bars.filter(({ rows }) => rows > 0)).toHaveLength(4)
    expect(found.get('one')?.bars).toEqual([{ label: '', rows: 56 }])
    expect(found.get('t')).toMatchObject({
      nulls: 1,
      bars: [
        { label: 'x', rows: 28 },
        { label: '', rows: 27 },
      ],
    })
    expect(found.get('u')?.bars.at(-1)).toEqual({ label: 'others', rows: 50 })
  })
})

describe('JUnit report', () => {
  test('has a test case a rule: gate rules fail or are errors, warnings are skipped', async () => {
    const { evaluated } = await run(0)
    const xml = printJunit(evaluated, 'rules.dqdl', NOW)
    const parsed = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(xml)
    const suite = parsed.testsuites.testsuite
    expect(suite).toMatchObject({ tests: '7', failures: '3', errors: '1', skipped: '1' })
    const kinds = suite.testcase.map((each: object) =>
      ['failure', 'error', 'skipped'].filter((kind) => kind in each).join(),
    )
    expect(kinds).toEqual(['', 'failure', 'failure', 'failure', 'skipped', 'error', ''])
    expect(suite.testcase[0]['system-out']).toBe('Dataset.*.RowCount = 60')
    expect(suite.testcase[3].name).toBe('IsComplete "cur <b>&"')
  })
})

describe('HTML report', () => {
  const browser = [process.env.CHROMIUM ?? '', '/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync)

  async function report(): Promise<string> {
    const { evaluated, history } = await run(4)
    const page = printHtml({
      evaluated,
      history,
      rulesFile: 'rules.dqdl',
      dataFile: 'orders.csv',
      at: NOW,
      rows: 60,
      failing: await firstFailingRows(evaluated, 3, engine),
      distributions: await distributionsOf(evaluated.columns, engine),
    })
    await writeFile(join(folder, 'report.html'), page)
    return join(folder, 'report.html')
  }

  test('shows names and values of the data as texts, never as markup, and has no script', async () => {
    const text = await readFile(await report(), 'utf8')
    expect(text).not.toContain('<b>&')
    expect(text).toContain('IsComplete &quot;cur &lt;b&gt;&amp;&quot;')
    expect(text).not.toMatch(/<script|https?:|@import|url\(/)
  })

  test('is seen in a browser: verdicts, a chart of each metric, distributions, in light and dark, and requests nothing', async () => {
    const file = await report()
    if (browser === undefined) {
      process.stderr.write('No Chromium here (set CHROMIUM to its path, or install one): the page was not looked at.\n')
      return
    }
    const running = await chromium.launch({ executablePath: browser, args: ['--no-sandbox'] })
    try {
      const grounds: string[] = []
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await running.newPage({ colorScheme, viewport: { width: 390, height: 800 } })
        const asked: string[] = []
        const complaints: string[] = []
        page.on('request', (request) => asked.push(request.url()))
        page.on('console', (message) => complaints.push(message.text()))
        await page.goto(pathToFileURL(file).href)
        expect({ asked, complaints }).toEqual({ asked: [pathToFileURL(file).href], complaints: [] })
        grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
        expect(await page.locator('.chip').allInnerTexts()).toEqual([
          'PASS',
          'FAIL',
          'FAIL',
          'FAIL',
          'WARN',
          'ERROR',
          'PASS',
        ])
        expect(await page.locator('svg[aria-label^="RowCount over 5 evaluations"]').count()).toBe(1)
        expect(
          await page.locator('svg[aria-label="Distribution of amount"]').first().locator('rect.out').count(),
        ).toBeGreaterThan(0)
        expect(await page.locator('.values .value').allTextContents()).toContain('USD')
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390)
        const cut =
          "[...document.querySelectorAll('.rule')].filter((rule) => rule.scrollWidth > rule.clientWidth).length"
        expect(await page.evaluate(cut)).toBe(0)
        await page.close()
      }
      expect(new Set(grounds).size).toBe(2)
    } finally {
      await running.close()
    }
  })
})
