/** Glue job runs: what is kept of them and how the API shows them. */
import type { GlueJobModel } from '../assembly/model.ts'

export type JobRunState =
  | 'STARTING'
  | 'RUNNING'
  | 'STOPPING'
  | 'STOPPED'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'TIMEOUT'
  | 'ERROR'
  | 'WAITING'

export interface JobRunRecord {
  readonly id: string
  readonly jobName: string
  /** Of the run, without the job's defaults. */
  readonly arguments: Readonly<Record<string, string>>
  readonly state: JobRunState
  readonly stateDetail: string | null
  readonly errorMessage: string | null
  readonly startedAtMillis: number
  readonly modifiedAtMillis: number
  readonly completedAtMillis: number | null
  /** From the start of the engine to its end. */
  readonly executionSeconds: number
  readonly timeoutMinutes: number
}

export const isOver = (state: JobRunState): boolean =>
  state === 'STOPPED' || state === 'SUCCEEDED' || state === 'FAILED' || state === 'TIMEOUT' || state === 'ERROR'

/** JobRun of the API. */
export function describeJobRun(run: JobRunRecord, job: GlueJobModel | undefined): Record<string, unknown> {
  return {
    Id: run.id,
    Attempt: 0,
    JobName: run.jobName,
    StartedOn: new Date(run.startedAtMillis),
    LastModifiedOn: new Date(run.modifiedAtMillis),
    ...(run.completedAtMillis === null ? {} : { CompletedOn: new Date(run.completedAtMillis) }),
    JobRunState: run.state,
    Arguments: run.arguments,
    ...(run.errorMessage === null ? {} : { ErrorMessage: run.errorMessage }),
    ...(run.stateDetail === null ? {} : { StateDetail: run.stateDetail }),
    PredecessorRuns: [],
    ExecutionTime: run.executionSeconds,
    Timeout: run.timeoutMinutes,
    ...capacityOf(job),
    LogGroupName: '/aws-glue/jobs',
    JobRunQueuingEnabled: job?.queuing ?? false,
  }
}

function capacityOf(job: GlueJobModel | undefined): Record<string, unknown> {
  if (job === undefined) return {}
  return {
    ...(job.maxCapacity === null ? {} : { MaxCapacity: job.maxCapacity }),
    ...(job.workerType === null ? {} : { WorkerType: job.workerType }),
    ...(job.numberOfWorkers === null ? {} : { NumberOfWorkers: job.numberOfWorkers }),
    ...(job.glueVersion === null ? {} : { GlueVersion: job.glueVersion }),
    ...(job.securityConfiguration === null ? {} : { SecurityConfiguration: job.securityConfiguration }),
    ...(job.executionClass === null ? {} : { ExecutionClass: job.executionClass }),
  }
}

/** Job of the API. */
export function describeJob(job: GlueJobModel): Record<string, unknown> {
  return {
    Name: job.name,
    Role: job.roleArn,
    ExecutionProperty: { MaxConcurrentRuns: job.maxConcurrentRuns },
    Command: {
      Name: job.command.name,
      ScriptLocation: job.command.scriptLocation,
      ...(job.command.pythonVersion === null ? {} : { PythonVersion: job.command.pythonVersion }),
    },
    DefaultArguments: job.defaultArguments,
    MaxRetries: job.maxRetries,
    Timeout: job.timeoutMinutes,
    JobRunQueuingEnabled: job.queuing,
    ...capacityOf(job),
  }
}
