import { messageOf, SluiceError } from '../core/errors.ts'
import { describeRelation, relationOfFile } from './evaluate.ts'
import type { QualityConnection } from './execute.ts'
import type { QualityColumn } from './quality-plan.ts'

/** A file of rows: what stands behind FROM, and its columns. */
export interface DataFile {
  readonly relation: string
  readonly columns: readonly QualityColumn[]
}

/** @throws SluiceError `unsupported_format`; `unreadable_data` when the content is not what the name says */
export async function readableFile(file: string, connection: QualityConnection): Promise<DataFile> {
  const relation = relationOfFile(file)
  try {
    return { relation, columns: await describeRelation(relation, connection) }
  } catch (cause) {
    const [message = ''] = messageOf(cause).split('\n')
    throw new SluiceError('unreadable_data', `Cannot read the rows: ${message}`, { where: { file }, cause })
  }
}
