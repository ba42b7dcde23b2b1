import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GetStatementResultCommand, RedshiftDataClient } from '@aws-sdk/client-redshift-data'
import { expect, test } from '@jest/globals'
import { keepDigits, withExactIntegers } from '../../cli/exact-integers.ts'
import { printJson } from '../../local/endpoint/json-shape.ts'

test('integers beyond 2^53 keep their digits, texts that look like them stay texts', () => {
  const text = JSON.stringify({ stringValue: '"longValue":12345678901234567890' })
  expect(keepDigits(`[{"longValue":-9223372036854775808},{"longValue":12},${text}]`)).toBe(
    `[{"stringValue":"-9223372036854775808"},{"longValue":12},${text}]`,
  )
})

test('a bigint is printed as a JSON number with all its digits', () => {
  expect(printJson({ a: 9007199254740993n, b: ['x', -1n, 0.5] })).toBe('{"a":9007199254740993,"b":["x",-1,0.5]}')
})

test('a client reads what the wire carries, digit by digit', async () => {
  const body = printJson({
    ColumnMetadata: [{ name: 'n', typeName: 'int8' }],
    Records: [[{ longValue: 9223372036854775807n }], [{ longValue: 7 }]],
  })
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = withExactIntegers(
    new RedshiftDataClient({ endpoint, region: 'us-east-2', credentials: { accessKeyId: 'a', secretAccessKey: 'b' } }),
  )
  const { Records } = await client.send(new GetStatementResultCommand({ Id: 'x' }))
  client.destroy()
  server.close()
  expect(Records).toEqual([[{ stringValue: '9223372036854775807' }], [{ longValue: 7 }]])
})
