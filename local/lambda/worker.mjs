/**
 * The sandbox of one function: loads the deployed bundle and runs one event at a time. A plain module, as a worker
 * thread is started by Node itself. Messages in: {requestId, event, deadlineMillis, functionArn}; out: {type: 'ready'},
 * {type: 'initError', error}, {type: 'result', requestId, payload}, {type: 'error', requestId, error}.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'

const describe = (thrown) => {
  if (thrown instanceof Error) {
    return { errorType: thrown.name, errorMessage: thrown.message, trace: (thrown.stack ?? '').split('\n') }
  }
  return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] }
}

class ImportModuleError extends Error {
  name = 'Runtime.ImportModuleError'
}
class HandlerNotFound extends Error {
  name = 'Runtime.HandlerNotFound'
}

const loadHandler = async (directory, handler) => {
  const dot = handler.lastIndexOf('.')
  const moduleName = handler.slice(0, dot)
  const file = ['.mjs', '.js', '.cjs'].map((suffix) => join(directory, moduleName + suffix)).find(existsSync)
  if (file === undefined) throw new ImportModuleError(`Error: Cannot find module '${moduleName}'`)
  const loaded = await import(pathToFileURL(file).href)
  const name = handler.slice(dot + 1)
  const exported = loaded[name] ?? loaded.default?.[name]
  if (typeof exported !== 'function') throw new HandlerNotFound(`${handler} is undefined or not exported`)
  return exported
}

const contextOf = ({ requestId, functionArn, deadlineMillis }) => ({
  awsRequestId: requestId,
  invokedFunctionArn: functionArn,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
  logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
  callbackWaitsForEmptyEventLoop: false,
  getRemainingTimeInMillis: () => Math.max(0, deadlineMillis - Date.now()),
})

/** Resolves once the main thread has what was printed, so that it is logged before the answer is given. */
const printed = async () => {
  while (process.stdout.writableLength + process.stderr.writableLength > 0) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const serve = (handler) => {
  parentPort.on('message', async (invocation) => {
    const { requestId } = invocation
    try {
      const result = await handler(JSON.parse(invocation.event), contextOf(invocation))
      await printed()
      parentPort.postMessage({ type: 'result', requestId, payload: JSON.stringify(result) ?? 'null' })
    } catch (thrown) {
      await printed()
      parentPort.postMessage({ type: 'error', requestId, error: describe(thrown) })
    }
  })
  parentPort.postMessage({ type: 'ready' })
}

try {
  serve(await loadHandler(workerData.directory, workerData.handler))
} catch (thrown) {
  parentPort.postMessage({ type: 'initError', error: describe(thrown) })
}
