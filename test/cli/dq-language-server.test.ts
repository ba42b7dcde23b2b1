import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { LanguageClient } from '../../bench/language-client.ts'

/** No such file is there: its name alone leads to `contracts/orders.yaml`. */
const ORDERS = pathToFileURL(join(process.cwd(), 'dq-rules', 'orders.dqdl')).href
const at = (line: number, character: number) => ({ start: { line, character }, end: { line, character } })

let client: LanguageClient
let opened = 0
/** Opens a text of its own, with the contract of `orders`; `|` is where the cursor stands. */
async function write(text: string) {
  opened += 1
  const uri = ORDERS.replace('/dq-rules/', `/dq-rules/${opened}/`)
  const cursor = text.indexOf('|')
  const clean = text.replace('|', '')
  const before = text.slice(0, cursor).split('\n')
  const diagnostics = await client.open(uri, clean)
  return { uri, diagnostics, line: before.length - 1, character: before.at(-1)?.length ?? 0 }
}
const labelsAt = async (text: string): Promise<readonly string[]> => {
  const { uri, line, character } = await write(text)
  return (await client.complete(uri, line, character)).map(({ label }) => label)
}

describe('language server', () => {
  beforeAll(async () => {
    client = new LanguageClient()
    const { capabilities, serverInfo } = await client.initialize()
    expect(serverInfo?.name).toBe('sluice-dqdl')
    expect(Object.keys(capabilities)).toEqual(
      expect.arrayContaining([
        'completionProvider',
        'hoverProvider',
        'documentFormattingProvider',
        'codeActionProvider',
      ]),
    )
  })
  afterAll(async () => {
    expect(await client.close()).toBe(0)
  })

  test('ends with 1 when it is told to exit before it was told to shut down', async () => {
    const abrupt = new LanguageClient()
    await abrupt.initialize()
    expect(await abrupt.exit()).toBe(1)
  })

  test('shows what is wrong where it is wrong, as it is typed', async () => {
    const { uri, diagnostics } = await write('Rules = [\n  RowCount > 100000,\n  IsComplete "order_idd"\n]\n')
    expect(diagnostics).toEqual([
      {
        range: { start: { line: 2, character: 13 }, end: { line: 2, character: 24 } },
        severity: 1,
        code: 'unknown_column',
        source: 'dqdl',
        message: 'Column "order_idd" is unknown (nearest is "order_id")',
      },
    ])
    expect(await client.type(uri, { start: { line: 2, character: 22 }, end: { line: 2, character: 23 } }, '')).toEqual(
      [],
    )
    const broken = await client.type(uri, at(1, 19), ' RowCount >')
    expect(broken.map(({ range, message }) => [range.start, message])).toEqual([
      [{ line: 1, character: 20 }, 'Expected "," or "]", found "RowCount" (put a comma before it)'],
      [{ line: 1, character: 30 }, 'Expected a value, found ","'],
    ])
  })

  test('reads the SQL of rules a moment after the last edit', async () => {
    const { uri, diagnostics } = await write('Rules = [\n  RowCount > 0 where "amount >"\n]\n')
    expect(diagnostics).toEqual([])
    const found = await client.until(uri, (all) => all.length > 0)
    expect(found.map(({ code, range }) => [code, range.start])).toEqual([['spark_sql', { line: 1, character: 21 }]])
  })

  test('proposes rule types, with what they check', async () => {
    const { uri, line, character } = await write('Rules = [\n  RowCount > 0,\n  IsU|\n]\n')
    const items = await client.complete(uri, line, character)
    expect(items.find(({ label }) => label === 'IsUnique')).toMatchObject({
      detail: 'column, column… · no condition · where',
      documentation: expect.stringContaining('No two rows have the same column.'),
      insertTextFormat: 2,
      textEdit: {
        range: { start: { line: 2, character: 2 }, end: { line: 2, character: 5 } },
        newText: 'IsUnique "${1:column}"',
      },
    })
    expect(await labelsAt('Rules = [ (IsComplete "a") and (|')).toContain('Completeness')
    expect(await labelsAt('Rules = [ RowCount > 1 or |')).toContain('Completeness')
    expect(await labelsAt('Analyzers = [ RowCount, |')).toContain('AllStatistics')
  })

  test('proposes the columns of the contract, quoted where they stand without quotes', async () => {
    const { uri, line, character } = await write('Rules = [ Mean "am|" > 5 ]\n')
    const [amount] = (await client.complete(uri, line, character)).filter(({ label }) => label === 'amount')
    expect(amount).toMatchObject({ detail: expect.stringContaining('DECIMAL'), textEdit: { newText: 'amount' } })
    const open = await write('Rules = [ Mean | > 5 ]\n')
    const items = await client.complete(open.uri, open.line, open.character)
    expect(items.find(({ label }) => label === 'amount')?.textEdit).toMatchObject({ newText: '"amount"' })
    expect(await labelsAt('Rules = [ RowCount > 5 where "status = 1 and am|" ]')).toContain('amount')
    expect(await labelsAt('Rules = [ IsUnique "order_id" "|\n,\n IsComplete "a"\n]')).toContain('customer_id')
  })

  test.each([
    ['Rules = [ RowCount | ]', ['>', 'between', 'not between']],
    ['Rules = [ RowCount not | ]', ['between', 'in']],
    ['Rules = [ ColumnValues "status" | ]', ['matches', 'in', 'where']],
    ['Rules = [ ColumnValues "status" in | ]', ['[', '$states']],
    ['Rules = [ ColumnValues "status" in [EMPTY, | ] ]', ['NULL', 'WHITESPACES_ONLY']],
    ['Rules = [ ColumnValues "status" in $| ]', ['states']],
    ['Rules = [ ColumnDataType "status" = "|" ]', ['Date', 'Integer']],
    ['Rules = [ ColumnValues "ordered_on" > | ]', ['now()', '(now() - 1 days)']],
    ['Rules = [ DataFreshness "updated_at" < 3 | ]', ['days', 'hours', 'minutes']],
    ['Rules = [ FileSize > 3 | ]', ['KB', 'GB']],
    ['Rules = [ RowCount between 1 | ]', ['and']],
    ['Rules = [ RowCount > | ]', ['last', 'avg']],
    ['Rules = [ RowCount > 1 | ]', ['where', 'labels', 'and', 'or']],
    ['Rules = [ (RowCount > 1) | ]', ['labels', 'and', 'or']],
    ['Rules = [ ColumnValues "status" = "x" | ]', ['with threshold']],
    ['Rules = [ Mean "amount" > 1 with | ]', ['threshold', 'timeZone']],
    ['Rules = [ RowCount > 1 labels = [ "|" ] ]', ['severity', 'team']],
    ['Rules = [ RowCount > 1 labels = [ "severity" = "|" ] ]', ['gate', 'warn']],
    ['Rules = [ RowCount > 1 labels = [ "team" = "|" ] ]', ['sales']],
    ['Rules = [ RowCountMatch "|" > 1 ]', ['customers']],
    ['|', ['Rules =', 'Analyzers =']],
  ])('proposes what fits in %s', async (rule, expected) => {
    const head =
      'DataSources = { "Primary": "o", "AdditionalDataSources": ["customers"] }\nstates = ["a"]\nDefaultLabels = ["team"="sales"]\n'
    expect(await labelsAt(`${rule === '|' ? '' : head}${rule}\n`)).toEqual(expect.arrayContaining(expected))
  })

  test('proposes nothing in comments and in texts that only you know', async () => {
    expect(await labelsAt('Rules = [ # |\n]\n')).toEqual([])
    expect(await labelsAt('Rules = [ ColumnValues "status" matches "|" ]')).toEqual([])
  })

  test('explains rules, columns and words under the mouse', async () => {
    const { uri } = await write(
      'states = ["a"]\nRules = [\n  (IsUnique "order_id") and (ColumnValues "status" in $states),\n  Nonsense\n]\n',
    )
    const hover = async (line: number, character: number) => (await client.hover(uri, line, character))?.contents
    expect(await hover(2, 4)).toEqual({
      kind: 'markdown',
      value: expect.stringMatching(
        /^\*\*IsUnique\*\*\n\nNo two rows have the same order_id\.[\s\S]*NULL:[\s\S]*`Column\.order_id\.Uniqueness`$/,
      ),
    })
    expect(await hover(2, 16)).toMatchObject({ value: expect.stringMatching(/^`order_id` VARCHAR, required, key/) })
    expect(await hover(2, 32)).toMatchObject({ value: expect.stringContaining('value of status that is one of ["a"]') })
    expect(await hover(2, 52)).toMatchObject({ value: expect.stringContaining('One of a list') })
    expect(await client.hover(uri, 3, 4)).toBeNull()
  })

  test('formats, and leaves a text with problems alone', async () => {
    const { uri } = await write('Rules=[RowCount>1, # why\nIsComplete "order_id"]')
    expect(await client.format(uri)).toBe('Rules = [\n  RowCount > 1, # why\n  IsComplete "order_id"\n]\n')
    const broken = await write('Rules=[RowCount>]')
    expect(await client.format(broken.uri)).toBe('Rules=[RowCount>]')
  })

  test.each([
    ['Rules = [ IsUnqiue "order_id" ]', 'Change to "IsUnique"', 'Rules = [ IsUnique "order_id" ]'],
    ['Rules = [ IsUnique "ordr_id" ]', 'Change to "order_id"', 'Rules = [ IsUnique "order_id" ]'],
    ['Rules = [ RowCount betwen 1 and 5 ]', 'Change to "between"', 'Rules = [ RowCount between 1 and 5 ]'],
    [
      'Rules = [ RowCount > 1 labels=["severty"="warn"] ]',
      'Change to "severity"',
      'Rules = [ RowCount > 1 labels=["severity"="warn"] ]',
    ],
    ['Rules = [ RowCount > medain(last(3)) ]', 'Change to "median"', 'Rules = [ RowCount > median(last(3)) ]'],
    [
      'Rules = [ DataFreshness "updated_at" < 2 day ]',
      'Change to "days"',
      'Rules = [ DataFreshness "updated_at" < 2 days ]',
    ],
    ['rules = [ RowCount > 1 ]', 'Change to "Rules"', 'Rules = [ RowCount > 1 ]'],
    [
      'Rules = [ RowCount > 1 IsUnique "order_id" ]',
      'Put a comma before it',
      'Rules = [ RowCount > 1 , IsUnique "order_id" ]',
    ],
    ['Rules = [ RowCount > 1, ]', 'Remove the last comma', 'Rules = [ RowCount > 1 ]'],
    ['Rules = [\r\n  RowCount > 1\r\n]', 'Change all line ends to LF', 'Rules = [\n  RowCount > 1\n]'],
    ['Rules = [ RowCount > 1 ] # end', 'End the file with a line feed', 'Rules = [ RowCount > 1 ] # end\n'],
  ])('mends %j', async (text, title, mended) => {
    const { uri, diagnostics } = await write(text)
    const action = (await client.codeActions(uri, diagnostics)).find((each) => each.title === title)
    expect(client.fixed(uri, action)).toBe(mended)
  })
})
