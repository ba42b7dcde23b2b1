/** Starts, bounds, times out and stops job runs; every state is on disk before it is shown. */
import { messageOf } from '../../core/errors.ts'
import type { GlueJobModel } from '../assembly/model.ts'
import { AwsError, type Clock, type Collection, type Store } from '../service.ts'
import type { JobEngine, JobOutcome } from './job-engine.ts'
import { isOver, type JobRunRecord, type JobRunState } from './job-run.ts'

export interface StartOrder {
  readonly job: GlueJobModel
  readonly arguments: Readonly<Record<string, string>>
  /** `null`: the job's. */
  readonly timeoutMinutes: number | null
  readonly queuing: boolean
}

export interface JobRunner {
  /** @returns the run's id @throws AwsError `ConcurrentRunsExceededException` */
  start(order: StartOrder): Promise<string>
  find(jobName: string, runId: string): JobRunRecord | undefined
  /** Newest first. */
  list(jobName: string): readonly JobRunRecord[]
  /** False where the run is over or unknown. */
  stop(jobName: string, runId: string): Promise<boolean>
  /** Runs that an earlier process left unfinished have failed: nothing of them is alive. */
  recover(): Promise<void>
  /** Told of every run that ends. */
  close(): Promise<void>
}

export interface JobRunnerOptions {
  readonly store: Store
  readonly clock: Clock
  readonly ids: () => string
  readonly engine: JobEngine
  /** Engines that work at a time, for the machine's memory; further runs wait. */
  readonly parallelRuns: (job: GlueJobModel) => number
  readonly onEnd: (run: JobRunRecord, job: GlueJobModel, outcome: JobOutcome | null) => Promise<void>
  readonly log: (message: string) => void
}

const INTERRUPTED = 'The job run was interrupted: the machine that ran it was shut down'

interface Active {
  readonly record: JobRunRecord
  readonly order: StartOrder
  readonly stop: AbortController
}

export function createJobRunner(options: JobRunnerOptions): JobRunner {
  const { store, clock, engine } = options
  const runs: Collection<JobRunRecord> = store.collection('glue.runs')
  const unfinished: Collection<{ readonly jobName: string }> = store.collection('glue.unfinished')
  const active = new Map<string, Active>()
  const working = new Map<string, Promise<void>>()
  const queue: string[] = []
  let closed = false

  const save = async (record: JobRunRecord): Promise<void> => {
    await store.transaction(() => {
      void runs.put([record.jobName, record.id], record)
      if (isOver(record.state)) void unfinished.remove([record.id])
      else void unfinished.put([record.id], { jobName: record.jobName })
    })
  }
  const ended = (record: JobRunRecord, state: JobRunState, errorMessage: string | null): JobRunRecord => {
    const now = clock.now().getTime()
    return {
      ...record,
      state,
      errorMessage,
      stateDetail: null,
      modifiedAtMillis: now,
      completedAtMillis: now,
      executionSeconds: Math.ceil((now - record.startedAtMillis) / 1000),
    }
  }
  const countOf = (jobName: string, ids: Iterable<string>): number =>
    [...ids].filter((id) => active.get(id)?.record.jobName === jobName).length

  const pump = (): void => {
    for (const id of [...queue]) {
      const run = active.get(id)
      if (run === undefined || closed) continue
      const { job } = run.order
      const limit = Math.min(options.parallelRuns(job), job.maxConcurrentRuns)
      if (countOf(job.name, working.keys()) >= limit) continue
      queue.splice(queue.indexOf(id), 1)
      working.set(id, work(id, run))
    }
  }

  const work = async (id: string, run: Active): Promise<void> => {
    try {
      const { record, outcome } = await execute(run)
      if (closed) return
      await options.onEnd(record, run.order.job, outcome)
      await save(record)
    } catch (thrown) {
      options.log(`glue ${run.record.jobName} ${id}: ${messageOf(thrown)}`)
    } finally {
      working.delete(id)
      active.delete(id)
      pump()
    }
  }

  const execute = async ({
    record,
    order,
    stop,
  }: Active): Promise<{ record: JobRunRecord; outcome: JobOutcome | null }> => {
    const deadline = new Date(clock.now().getTime() + record.timeoutMinutes * 60_000)
    const timer = new AbortController()
    const running = { ...record, state: 'RUNNING' as const, stateDetail: null, modifiedAtMillis: clock.now().getTime() }
    active.set(record.id, { record: running, order, stop })
    const finished = engine({
      job: order.job,
      runId: record.id,
      arguments: { ...order.job.defaultArguments, ...order.arguments },
      signal: stop.signal,
    })
    const late = clock.sleepUntil(deadline, timer.signal).then(
      () => 'TIMEOUT' as const,
      () => finished,
    )
    const stopped = new Promise<'STOPPED'>((resolve) => stop.signal.addEventListener('abort', () => resolve('STOPPED')))
    try {
      const outcome = await Promise.race([finished, late, stopped])
      if (outcome === 'TIMEOUT') {
        stop.abort()
        return { record: ended(running, 'TIMEOUT', 'Job run exceeded its timeout'), outcome: null }
      }
      if (outcome === 'STOPPED') return { record: ended(running, 'STOPPED', null), outcome: null }
      return { record: ended(running, 'SUCCEEDED', null), outcome }
    } catch (thrown) {
      return { record: ended(running, 'FAILED', errorText(thrown)), outcome: null }
    } finally {
      timer.abort()
      finished.catch((thrown: unknown) => {
        if (stop.signal.aborted) options.log(`glue ${record.jobName} ${record.id} ended late: ${messageOf(thrown)}`)
      })
    }
  }

  return {
    start: async ({ job, ...order }) => {
      const running = countOf(job.name, active.keys())
      if (running >= job.maxConcurrentRuns && !order.queuing) {
        throw new AwsError('ConcurrentRunsExceededException', `Concurrent runs exceeded for ${job.name}`)
      }
      const now = clock.now().getTime()
      const waits = running >= job.maxConcurrentRuns
      const record: JobRunRecord = {
        id: `jr_${options.ids().replaceAll('-', '').padEnd(64, '0')}`,
        jobName: job.name,
        arguments: order.arguments,
        state: waits ? 'WAITING' : 'STARTING',
        stateDetail: waits ? 'Job run is queued: the maximum of concurrent runs is reached' : null,
        errorMessage: null,
        startedAtMillis: now,
        modifiedAtMillis: now,
        completedAtMillis: null,
        executionSeconds: 0,
        timeoutMinutes: order.timeoutMinutes ?? job.timeoutMinutes,
      }
      active.set(record.id, { record, order: { job, ...order }, stop: new AbortController() })
      await save(record)
      queue.push(record.id)
      pump()
      return record.id
    },
    find: (jobName, runId) => {
      const live = active.get(runId)?.record
      return live?.jobName === jobName ? live : runs.get([jobName, runId])
    },
    list: (jobName) =>
      [...runs.range([jobName])]
        .map(({ value }) => active.get(value.id)?.record ?? value)
        .sort((left, right) => right.startedAtMillis - left.startedAtMillis),
    stop: async (jobName, runId) => {
      const run = active.get(runId)
      if (run === undefined || run.record.jobName !== jobName) return false
      run.stop.abort()
      const queued = queue.indexOf(runId)
      if (queued >= 0) {
        queue.splice(queued, 1)
        active.delete(runId)
        await save(ended(run.record, 'STOPPED', null))
      }
      return true
    },
    recover: async () => {
      const left = [...unfinished.range([])].map(({ key, value }) => ({ id: String(key[0]), jobName: value.jobName }))
      await Promise.all(
        left
          .filter(({ id }) => !active.has(id))
          .map(({ id, jobName }) => {
            const record = runs.get([jobName, id])
            return record === undefined ? unfinished.remove([id]) : save(ended(record, 'FAILED', INTERRUPTED))
          }),
      )
    },
    close: async () => {
      closed = true
      for (const { stop } of active.values()) stop.abort()
      await Promise.allSettled(working.values())
    },
  }
}

const errorText = (thrown: unknown): string => {
  const name = thrown instanceof Error && thrown.name !== 'Error' ? `${thrown.name}: ` : ''
  return `${name}${messageOf(thrown)}`.slice(0, 2000)
}
