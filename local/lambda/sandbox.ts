/** One worker thread with the deployed bundle in it: AWS's execution environment. */
import { Worker } from 'node:worker_threads'
import { isJsonObject } from '../../core/json.ts'
import type { Clock } from '../service.ts'
import type { DeployedFunction } from './deployed-function.ts'

/** An error as a function's payload carries it. */
export interface FunctionErrorPayload {
  readonly errorType: string
  readonly errorMessage: string
  readonly trace?: readonly string[]
}

/** `payload` is JSON text. */
export type InvocationResult = (
  | { readonly ok: true; readonly payload: string }
  | { readonly ok: false; readonly error: FunctionErrorPayload }
) & {
  /** What was logged for the invocation, Lambda's own lines included. */
  readonly logged?: readonly string[]
}

export interface Invocation {
  readonly requestId: string
  /** JSON text. */
  readonly event: string
  readonly functionArn: string
}

export interface Sandbox {
  /** One at a time. Never rejects: a defect of the function is a result. */
  invoke(invocation: Invocation): Promise<InvocationResult>
  /** False after a time-out, an exit or a failed start: such a sandbox is thrown away. */
  usable(): boolean
  /** Resolves when the bundle is loaded, or failed to. */
  readonly loaded: Promise<void>
  close(): Promise<void>
}

export interface SandboxOptions {
  readonly deployed: DeployedFunction
  /** All environment variables of the process. */
  readonly environment: Readonly<Record<string, string>>
  readonly clock: Clock
  /** A line that the function wrote on stdout or stderr. */
  readonly log: (line: string) => void
  /** A line of Lambda's own: that an invocation starts, ends, and how long it took. */
  readonly platformLog: (line: string) => void
}

const WORKER_FILE = new URL('./worker.mjs', import.meta.url)

/** Lines of an invocation that are held for its caller. */
const MAX_LOGGED_LINES = 1000

/** The smallest heap in which a bundle with an SDK client starts. */
const MINIMUM_HEAP_MEGABYTES = 64

export function startSandbox({ deployed, environment, clock, log, platformLog }: SandboxOptions): Sandbox {
  const worker = new Worker(WORKER_FILE, {
    workerData: { directory: deployed.codeDirectory, handler: deployed.handler },
    env: { ...environment },
    execArgv: [],
    argv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: Math.max(deployed.memoryMegabytes, MINIMUM_HEAP_MEGABYTES) },
  })
  // A warm sandbox alone does not keep the process running.
  worker.unref()
  for (const stream of [worker.stdout, worker.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      for (const line of text.split('\n').filter((part) => part !== '')) {
        if (logged.length < MAX_LOGGED_LINES) logged.push(line)
        log(line)
      }
    })
  }
  /** Since the last invocation began. */
  let logged: string[] = []
  const tell = (line: string): void => {
    logged.push(line)
    platformLog(line)
  }
  let failure: FunctionErrorPayload | null = null
  let pending: { readonly requestId: string; settle(result: InvocationResult): void } | null = null
  const { promise: loaded, resolve: markLoaded } = deferred()

  const fail = (error: FunctionErrorPayload): void => {
    failure ??= error
    markLoaded()
    pending?.settle({ ok: false, error })
    pending = null
  }
  const settle = (requestId: unknown, result: InvocationResult): void => {
    if (pending?.requestId !== requestId) return
    pending?.settle(result)
    pending = null
  }
  worker.on('message', (message: unknown) => {
    if (!isJsonObject(message)) return
    if (message.type === 'ready') markLoaded()
    if (message.type === 'initError') fail(errorPayload(message.error))
    if (message.type === 'result') settle(message.requestId, { ok: true, payload: String(message.payload) })
    if (message.type === 'error') settle(message.requestId, { ok: false, error: errorPayload(message.error) })
  })
  worker.on('error', (thrown) => fail(crashPayload(thrown, pending?.requestId ?? '')))
  worker.on('exit', (code) =>
    fail({
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${pending?.requestId ?? ''} Error: Runtime exited ${code === 0 ? 'without providing a reason' : `with error: exit status ${code}`}`,
    }),
  )

  const timedOut = (requestId: string): InvocationResult => {
    const error = {
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${requestId} Error: Task timed out after ${deployed.timeoutSeconds.toFixed(2)} seconds`,
    }
    failure = error
    pending = null
    return { ok: false, error }
  }

  return {
    loaded,
    usable: () => failure === null,
    invoke: async ({ requestId, event, functionArn }) => {
      await loaded
      if (failure !== null) return { ok: false, error: failure }
      const beganMillis = clock.now().getTime()
      const deadline = new Date(beganMillis + deployed.timeoutSeconds * 1000)
      logged = []
      tell(`START RequestId: ${requestId} Version: ${deployed.version}`)
      const timer = new AbortController()
      worker.ref()
      const answered = new Promise<InvocationResult>((resolve) => {
        pending = { requestId, settle: resolve }
      })
      worker.postMessage({ requestId, event, functionArn, deadlineMillis: deadline.getTime() })
      const late = clock.sleepUntil(deadline, timer.signal).then(
        () => timedOut(requestId),
        () => answered,
      )
      const result = await Promise.race([answered, late])
      timer.abort()
      worker.unref()
      for (const line of reportOf(requestId, deployed, clock.now().getTime() - beganMillis, result)) tell(line)
      if (failure !== null) await worker.terminate()
      return { ...result, logged }
    },
    close: async () => {
      fail({ errorType: 'Runtime.Shutdown', errorMessage: 'The runtime is closing' })
      await worker.terminate()
    },
  }
}

/** The lines with which Lambda closes an invocation. */
function reportOf(
  requestId: string,
  { memoryMegabytes, timeoutSeconds }: DeployedFunction,
  durationMillis: number,
  result: InvocationResult,
): readonly string[] {
  const isLate = !result.ok && result.error.errorType === 'Sandbox.Timedout'
  const duration = isLate ? timeoutSeconds * 1000 : durationMillis
  return [
    `END RequestId: ${requestId}`,
    `REPORT RequestId: ${requestId}\tDuration: ${duration.toFixed(2)} ms\tBilled Duration: ${Math.ceil(duration)} ms\tMemory Size: ${memoryMegabytes} MB${isLate ? '\tStatus: timeout' : ''}`,
  ]
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

function errorPayload(error: unknown): FunctionErrorPayload {
  const members = isJsonObject(error) ? error : {}
  return {
    errorType: String(members.errorType),
    errorMessage: String(members.errorMessage),
    trace: Array.isArray(members.trace) ? members.trace.map(String) : [],
  }
}

/** An uncaught exception ends the sandbox; running out of memory ends it as a kill does. */
function crashPayload(thrown: unknown, requestId: string): FunctionErrorPayload {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return {
      errorType: 'Runtime.OutOfMemory',
      errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: signal: killed`,
    }
  }
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') }
}
