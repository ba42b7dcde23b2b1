import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder outside the repository for files that synth makes and the assembly copies. */
export class GeneratedFiles {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-synth-'))

  /** Writes a JSON file and answers its path; the same value gives the same bytes. */
  json(name: string, value: unknown): string {
    const path = join(this.#folder, name)
    writeFileSync(path, `${JSON.stringify(value)}\n`)
    return path
  }
}
