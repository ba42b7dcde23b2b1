import { constants } from 'node:fs'
import { copyFile, link, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** The warehouse's own folder of Parquet files. */
export interface SegmentFiles {
  readonly folder: string
  /** Another name of the file, on disk when the promise resolves; a copy where the file system has no links between the two. */
  keep(path: string, name: string): Promise<void>
  remove(names: readonly string[]): Promise<void>
  /** Removes everything but these: what a killed process linked or dropped without a commit. */
  removeOthers(names: ReadonlySet<string>): Promise<void>
}

export async function openSegmentFiles(folder: string): Promise<SegmentFiles> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const remove = async (names: readonly string[]): Promise<void> => {
    for (const name of names) await rm(join(folder, name), { force: true })
  }
  return {
    folder,
    async keep(path, name) {
      const target = join(folder, name)
      try {
        await link(path, target)
      } catch (thrown) {
        if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'EXDEV')) throw thrown
        await copyFile(path, target, constants.COPYFILE_FICLONE)
        await sync(target)
      }
      await sync(folder)
    },
    remove,
    async removeOthers(names) {
      await remove((await readdir(folder)).filter((name) => !names.has(name)))
    },
  }
}

/** Files that requests linked or let go, until it is known which of them a segment still needs. */
export function handledFiles(
  files: SegmentFiles,
  needed: () => Promise<ReadonlySet<string>>,
): { add(names: readonly string[]): void; remove(): Promise<void> } {
  const handled = new Set<string>()
  return {
    add(names) {
      for (const name of names) handled.add(name)
    },
    async remove() {
      if (handled.size === 0) return
      const names = [...handled]
      handled.clear()
      const kept = await needed()
      await files.remove(names.filter((name) => !kept.has(name)))
    },
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
