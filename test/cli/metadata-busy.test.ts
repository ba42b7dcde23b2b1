import { LambdaClient, TooManyRequestsException } from '@aws-sdk/client-lambda'
import { expect, jest, test } from '@jest/globals'
import { invokeMetadata } from '../../cli/deployment.ts'

const busy = () => new TooManyRequestsException({ message: 'Rate Exceeded.', $metadata: {} })

test('a command waits for the metadata function while jobs use up its concurrency, and tells any other error', async () => {
  jest.useFakeTimers()
  const answers = [busy(), busy(), { Payload: Buffer.from('{"jobs":[]}') }, new Error('no network')]
  const lambda = new LambdaClient({ region: 'us-east-2' })
  jest.spyOn(lambda, 'send').mockImplementation(async () => {
    const next = answers.shift()
    if (next instanceof Error) throw next
    return next
  })
  const asked = invokeMetadata(lambda, { operation: 'listJobs' })
  await jest.advanceTimersByTimeAsync(2000)
  expect(await asked).toEqual({ jobs: [] })
  await expect(invokeMetadata(lambda, { operation: 'listJobs' })).rejects.toThrow('no network')
  jest.useRealTimers()
  lambda.destroy()
})
