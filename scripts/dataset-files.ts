import { fileURLToPath } from 'node:url'
import { SluiceError } from '../core/errors.ts'
import type { Duckdb } from '../glue/duckdb.ts'
import { name, text } from '../glue/sql/literals.ts'

/** Public datasets of the npm package vega-datasets, as files that a producer would drop. */
export const DATASET_FORMS = ['birdstrikes', 'birdstrikes-faa', 'flights'] as const
export type DatasetForm = (typeof DATASET_FORMS)[number]

export interface DatasetRequest {
  readonly form: DatasetForm
  readonly out: string
  /** The first so many rows; all of them where `null`. */
  readonly rows: number | null
}

const sourceFile = (file: string): string =>
  fileURLToPath(new URL(`../node_modules/vega-datasets/data/${file}`, import.meta.url))

const strikes = (): string => `read_csv(${text(sourceFile('birdstrikes.csv'))}, header = true, all_varchar = true)`

/** Column of the FAA's own tables, and how the value of a report is written there. */
const FAA_COLUMNS: Readonly<Record<string, string>> = {
  'Airport: Name': name('Airport Name'),
  'Aircraft: Make/Model': name('Aircraft Make Model'),
  'Effect: Amount of damage': name('Effect Amount of damage'),
  FlightDate: `strftime(CAST(${name('Flight Date')} AS DATE), '%-m/%-d/%y %-H:%M')`,
  'Aircraft: Airline/Operator': name('Aircraft Airline Operator'),
  'Origin State': name('Origin State'),
  'When: Phase of flight': name('Phase of flight'),
  'Wildlife: Size': name('Wildlife Size'),
  'Wildlife: Species': name('Wildlife Species'),
  'When: Time of day': name('Time of day'),
  'Cost: Other': grouped('Cost Other'),
  'Cost: Repair': grouped('Cost Repair'),
  'Cost: Total $': grouped('Cost Total $'),
  'Speed (IAS) in knots': grouped('Speed IAS in knots'),
  // Free text with commas. No mapping consumes it, so it ends in `_rescued`, as a column that a producer adds does.
  Remarks: `concat_ws(', ', upper(${name('Wildlife Species')}), upper(${name('Phase of flight')}), 'DAMAGE: ' || upper(${name('Effect Amount of damage')}))`,
}

/** A whole number with marks between thousands; nothing where there is none. */
function grouped(column: string): string {
  return `format('{:,}', TRY_CAST(${name(column)} AS BIGINT))`
}

const FLIGHT_COLUMNS: Readonly<Record<string, string>> = {
  date: `strftime(${name('date')}, '%Y-%m-%d %H:%M:%S')`,
  delay: 'delay',
  distance: 'distance',
  origin: 'origin',
  destination: 'destination',
}

const listOf = (columns: Readonly<Record<string, string>>): string =>
  Object.entries(columns)
    .map(([column, expression]) => `${expression} AS ${name(column)}`)
    .join(', ')

function select(form: DatasetForm): string {
  switch (form) {
    case 'birdstrikes':
      return `SELECT * FROM ${strikes()}`
    case 'birdstrikes-faa':
      return `SELECT ${listOf(FAA_COLUMNS)} FROM ${strikes()}`
    case 'flights':
      return `SELECT ${listOf(FLIGHT_COLUMNS)} FROM read_parquet(${text(sourceFile('flights-3m.parquet'))})`
  }
}

/**
 * Writes a dataset as CSV, in the order of its source: equal requests give equal bytes. Rows stream through the engine.
 * Answers the number of rows written. @throws SluiceError `file_not_written`
 */
export async function writeDataset(engine: Duckdb, { form, out, rows }: DatasetRequest): Promise<number> {
  const limit = rows === null ? '' : ` LIMIT ${rows}`
  const [written] = await engine.rows(
    `COPY (${select(form)}${limit}) TO ${text(out)} (FORMAT csv, HEADER true, DELIMITER ',')`,
  )
  if (written === undefined)
    throw new SluiceError('file_not_written', `Cannot write ${out} as the engine answered nothing`)
  return Number(written.Count)
}
