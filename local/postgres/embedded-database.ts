/** PGlite in a folder of the state, with the template's database in it. */
import { mkdir } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { messageOf, SluiceError } from '../../core/errors.ts'

/**
 * Opens the database, making it at the first start (which takes some seconds). What was committed is in the files of
 * the folder when a commit is acknowledged; a killed process loses none of it.
 * @throws SluiceError `database_unreadable`
 */
export async function openEmbeddedDatabase(directory: string): Promise<PGlite> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return await PGlite.create({ dataDir: directory })
  } catch (cause) {
    throw new SluiceError(
      'database_unreadable',
      `Cannot open the metadata database in "${directory}": ${messageOf(cause)}`,
      {
        cause,
        hint: 'sluice reset empties the state folder.',
      },
    )
  }
}
