import type { ReportLine } from '../../../replay/report.ts'

/** A Lambda may answer 6 MB. */
const PAGE_BYTES = 4 * 1024 * 1024

/** As many of the lines, from the first on, as fit an answer; at least one. */
export function fitting(lines: readonly ReportLine[]): readonly ReportLine[] {
  let bytes = 0
  const over = lines.findIndex((line) => {
    bytes += Buffer.byteLength(JSON.stringify(line)) + 1
    return bytes > PAGE_BYTES
  })
  return over < 0 ? lines : lines.slice(0, Math.max(1, over))
}
