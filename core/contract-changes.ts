import { type ColumnType, printColumnType } from './column-type.ts'
import type { Contract, ContractColumn, TypeCoercion } from './contract.ts'

/**
 * What a change means to those who deliver files and to those who read the table. `additive`: whatever was accepted or read
 * before still is. `breaking`: something that was accepted or readable no longer is. `semantic`: the same files and the same
 * queries go through, and may mean something else.
 */
export type ChangeClass = 'additive' | 'breaking' | 'semantic'

export interface ContractChange {
  readonly class: ChangeClass
  /** Where in the contract, as `columns.amount.type`. */
  readonly path: string
  /** As text; `null`: there was none, or there is none any more. */
  readonly was: string | null
  readonly now: string | null
  /** One sentence: who notices it, and how. */
  readonly meaning: string
}

/** How a column's type changes for the values it has held. */
export type TypeChange = 'same' | 'wider' | 'narrower'

const WIDENS: Readonly<Record<string, readonly string[]>> = { integer: ['bigint'] }

/** Whether every value of one type is one of the other, unchanged. */
function typeChange(was: ColumnType, now: ColumnType): TypeChange {
  if (printColumnType(was) === printColumnType(now)) return 'same'
  if (was.kind === 'string' && now.kind === 'string')
    return now.maxCharacters > was.maxCharacters ? 'wider' : 'narrower'
  if (was.kind === 'decimal' && now.kind === 'decimal') {
    const digits = ({ precision, scale }: typeof was): number => precision - scale
    return now.scale >= was.scale && digits(now) >= digits(was) ? 'wider' : 'narrower'
  }
  return WIDENS[was.kind]?.includes(now.kind) === true ? 'wider' : 'narrower'
}

const list = (values: readonly string[] | null): string | null => (values === null ? null : values.join(', '))
const has = (text: string): string | null => (text === '' ? null : text)

function typeChanges(path: string, was: ContractColumn, now: ContractColumn): readonly ContractChange[] {
  const change = typeChange(was.type, now.type)
  if (change === 'same') return []
  const texts = { was: printColumnType(was.type), now: printColumnType(now.type) }
  return [
    change === 'wider'
      ? { class: 'additive', path: `${path}.type`, ...texts, meaning: 'Every value that fitted before still fits.' }
      : {
          class: 'breaking',
          path: `${path}.type`,
          ...texts,
          meaning: 'Values that fitted before may be rejects now, and queries meet another type.',
        },
  ]
}

function requiredChanges(path: string, was: ContractColumn, now: ContractColumn): readonly ContractChange[] {
  if (was.required === now.required) return []
  const texts = { was: String(was.required), now: String(now.required) }
  return [
    now.required
      ? {
          class: 'breaking',
          path: `${path}.required`,
          ...texts,
          meaning: 'A file without the column is quarantined, a row without a value is a reject.',
        }
      : {
          class: 'additive',
          path: `${path}.required`,
          ...texts,
          meaning: 'The value may be absent; readers meet NULL.',
        },
  ]
}

function checkChanges(path: string, was: ContractColumn, now: ContractColumn): readonly ContractChange[] {
  const changes: ContractChange[] = []
  if (was.pattern !== now.pattern)
    changes.push({
      class: now.pattern === null ? 'additive' : 'breaking',
      path: `${path}.pattern`,
      was: was.pattern,
      now: now.pattern,
      meaning:
        now.pattern === null ? 'Any text is taken.' : 'Rows whose text does not match the new pattern are rejects.',
    })
  if (list(was.values) !== list(now.values)) {
    const lost = now.values === null ? [] : (was.values ?? ['*']).filter((value) => !now.values?.includes(value))
    changes.push({
      class: lost.length > 0 ? 'breaking' : 'additive',
      path: `${path}.values`,
      was: list(was.values),
      now: list(now.values),
      meaning: lost.length > 0 ? 'Rows with a value that is no longer listed are rejects.' : 'More values are taken.',
    })
  }
  return changes
}

const descriptionChange = (path: string, was: string | null, now: string | null): readonly ContractChange[] =>
  was === now
    ? []
    : [
        {
          class: 'semantic',
          path: `${path}description`,
          was,
          now,
          meaning: 'What is said of it changed: make sure that old and new rows mean the same.',
        },
      ]

function columnChanges(was: ContractColumn, now: ContractColumn): readonly ContractChange[] {
  const path = `columns.${now.name}`
  return [
    ...typeChanges(path, was, now),
    ...requiredChanges(path, was, now),
    ...checkChanges(path, was, now),
    ...descriptionChange(`${path}.`, was.description, now.description),
  ]
}

function columnsAddedAndGone(was: Contract, now: Contract): readonly ContractChange[] {
  const gone = was.columns.filter(({ name }) => !now.columns.some((column) => column.name === name))
  const added = now.columns.filter(({ name }) => !was.columns.some((column) => column.name === name))
  return [
    ...gone.map(
      ({ name, type }): ContractChange => ({
        class: 'breaking',
        path: `columns.${name}`,
        was: printColumnType(type),
        now: null,
        meaning: 'The view loses the column; the table keeps what it holds, new rows have NULL there.',
      }),
    ),
    ...added.map(
      ({ name, type, required }): ContractChange => ({
        class: required ? 'breaking' : 'additive',
        path: `columns.${name}`,
        was: null,
        now: `${printColumnType(type)}${required ? ', required' : ''}`,
        meaning: required
          ? 'Files without the column are quarantined from now on; rows loaded earlier have NULL there.'
          : 'The view gains the column; rows loaded earlier have NULL there.',
      }),
    ),
  ]
}

const COERCION: readonly TypeCoercion[] = ['none', 'limited', 'full']

function driftChanges({ drift: was }: Contract, { drift: now }: Contract): readonly ContractChange[] {
  const changes: ContractChange[] = []
  if (was.additive !== now.additive)
    changes.push({
      class: now.additive === 'reject' ? 'breaking' : 'semantic',
      path: 'drift.additive',
      was: was.additive,
      now: now.additive,
      meaning:
        now.additive === 'reject'
          ? 'A file with a column that no rule consumes is quarantined.'
          : 'Columns that no rule consumes end somewhere else.',
    })
  if (was.typeCoercion !== now.typeCoercion) {
    const stricter = COERCION.indexOf(now.typeCoercion) < COERCION.indexOf(was.typeCoercion)
    changes.push({
      class: stricter ? 'breaking' : 'semantic',
      path: 'drift.type_coercion',
      was: was.typeCoercion,
      now: now.typeCoercion,
      meaning: stricter
        ? 'Values that do not fit their type cost more: the row, or the file.'
        : 'Values that do not fit their type cost less: readers may meet NULL where rows were rejects.',
    })
  }
  if (was.quarantineOnBreakingChange !== now.quarantineOnBreakingChange)
    changes.push({
      class: 'semantic',
      path: 'drift.quarantine_on_breaking_change',
      was: String(was.quarantineOnBreakingChange),
      now: String(now.quarantineOnBreakingChange),
      meaning: now.quarantineOnBreakingChange
        ? 'A file that breaks the contract waits in quarantine.'
        : 'A file that breaks the contract fails its job.',
    })
  return changes
}

/** A figure of which a smaller one refuses what was taken before. */
const bound = (path: string, was: number, now: number, refuses: string): readonly ContractChange[] =>
  was === now
    ? []
    : [
        {
          class: now < was ? 'breaking' : 'additive',
          path,
          was: String(was),
          now: String(now),
          meaning: now < was ? refuses : 'More is taken.',
        },
      ]

function limitChanges(was: Contract, now: Contract): readonly ContractChange[] {
  const [before, after] = [was.limits, now.limits]
  const refused = 'Larger files are quarantined.'
  const minimum: readonly ContractChange[] =
    before.minBytes === after.minBytes
      ? []
      : [
          {
            class: after.minBytes > before.minBytes ? 'breaking' : 'additive',
            path: 'limits.min_bytes',
            was: String(before.minBytes),
            now: String(after.minBytes),
            meaning: after.minBytes > before.minBytes ? 'Smaller files are quarantined.' : 'Smaller files are taken.',
          },
        ]
  return [
    ...bound('reject_tolerance', was.rejectTolerance, now.rejectTolerance, 'Fewer rejects quarantine a file.'),
    ...bound('limits.bytes', before.bytes, after.bytes, refused),
    ...minimum,
    ...bound('limits.row_bytes', before.rowBytes, after.rowBytes, 'Longer records are rejects.'),
    ...bound('limits.columns', before.columns, after.columns, 'Files with more columns are quarantined.'),
    ...member(
      'semantic',
      'limits.raw_characters',
      [String(before.rawCharacters), String(after.rawCharacters)],
      'Of a rejected record another length is kept.',
    ),
    ...bound('limits.compression_ratio', before.compressionRatio, after.compressionRatio, refused),
  ]
}

export const printDistributionOf = ({ warehouse }: Contract): string =>
  warehouse.distribution.style === 'key' ? `key ${warehouse.distribution.column}` : warehouse.distribution.style

/** A member whose change is told by its text alone. */
const member = (
  change: ChangeClass,
  path: string,
  [was, now]: readonly [string | null, string | null],
  meaning: string,
): readonly ContractChange[] => (was === now ? [] : [{ class: change, path, was, now, meaning }])

function identityChanges(was: Contract, now: Contract): readonly ContractChange[] {
  return [
    ...member(
      'breaking',
      'key',
      [has(was.key.join(', ')), has(now.key.join(', '))],
      'Other rows are the same row: the table has to be loaded anew.',
    ),
    ...member('breaking', 'load', [was.load, now.load], 'Other rows are replaced by a load.'),
    ...member('semantic', 'event_time', [was.eventTime, now.eventTime], 'Another version of a row wins.'),
    ...descriptionChange('', was.description, now.description),
  ]
}

function layoutChanges(was: Contract, now: Contract): readonly ContractChange[] {
  const layout = 'Only where rows lie in the warehouse; no value changes.'
  return [
    ...member('additive', 'warehouse.distribution', [printDistributionOf(was), printDistributionOf(now)], layout),
    ...member(
      'additive',
      'warehouse.sort',
      [has(was.warehouse.sort.join(', ')), has(now.warehouse.sort.join(', '))],
      layout,
    ),
    ...member(
      'additive',
      'large_from_bytes',
      [String(was.largeFromBytes), String(now.largeFromBytes)],
      'Only which engine runs a file of that size.',
    ),
  ]
}

/** All that differs between two versions of a dataset's contract, in the order of the contract. */
export function contractChanges(was: Contract, now: Contract): readonly ContractChange[] {
  const columns = now.columns.flatMap((column) => {
    const earlier = was.columns.find(({ name }) => name === column.name)
    return earlier === undefined ? [] : columnChanges(earlier, column)
  })
  return [
    ...columnsAddedAndGone(was, now),
    ...columns,
    ...identityChanges(was, now),
    ...driftChanges(was, now),
    ...limitChanges(was, now),
    ...layoutChanges(was, now),
  ]
}

/** What the changes mean together: one that breaks outweighs one of meaning, that outweighs an addition. */
export const worstOf = (changes: readonly ContractChange[]): ChangeClass | 'none' =>
  (['breaking', 'semantic', 'additive'] as const).find((name) => changes.some((change) => change.class === name)) ??
  'none'
