import { printPhysicalType } from '../core/column-type.ts'
import type { Contract } from '../core/contract.ts'
import { printDistributionOf } from '../core/contract-changes.ts'
import type { CuratedColumn } from '../core/curated-columns.ts'
import { quoteName } from './quote.ts'
import { baseTable } from './relations.ts'
import { addBaseColumn, printDistribution, printSort, warehouseColumns, widenBaseColumn } from './tables.ts'
import { replaceAnalystView } from './views.ts'

/** Statements that a change of contract needs, and who sends them. */
export interface ContractStatements {
  /** The next deployment sends them by itself. */
  readonly deployment: readonly string[]
  /** An operator sends them before the deployment: they rewrite what the table holds. */
  readonly operator: readonly string[]
  /** What no statement does: the table has to be built anew and its sources replayed. Empty where nothing stands against it. */
  readonly rebuild: readonly string[]
}

/** Redshift changes no type but a VARCHAR's size: the values move through a new column, which takes the old one's name. */
function retype(contract: Contract, column: CuratedColumn): readonly string[] {
  const table = baseTable(contract.dataset)
  const [old, next] = [quoteName(column.name), quoteName(`${column.name}__next`)]
  return [
    addBaseColumn(contract, { ...column, name: `${column.name}__next` }),
    `UPDATE ${table} SET ${next} = CAST(${old} AS ${printPhysicalType(column, 'redshift')})`,
    `ALTER TABLE ${table} DROP COLUMN ${old}`,
    `ALTER TABLE ${table} RENAME COLUMN ${next} TO ${old}`,
  ]
}

/** What Redshift does not drop: columns by which rows are found or lie. */
const holdsLayout = ({ key, warehouse }: Contract, name: string): boolean =>
  key.includes(name) ||
  warehouse.sort.includes(name) ||
  (warehouse.distribution.style === 'key' && warehouse.distribution.column === name)

const layoutStatements = (was: Contract, now: Contract): readonly string[] => {
  const table = `ALTER TABLE ${baseTable(now.dataset)} ALTER`
  return [
    ...(printDistributionOf(was) === printDistributionOf(now)
      ? []
      : [`${table} ${printDistribution(now.warehouse.distribution)}`]),
    ...(was.warehouse.sort.join() === now.warehouse.sort.join() ? [] : [`${table} ${printSort(now.warehouse.sort)}`]),
  ]
}

/** The warehouse's side of a change from one contract of a dataset to another; nothing where the table stays as it is. */
export function contractStatements(was: Contract, now: Contract): ContractStatements {
  const deployment: string[] = []
  const operator: string[] = []
  const rebuild: string[] = []
  const before = new Map(warehouseColumns(was).map((column) => [column.name, column]))
  for (const column of warehouseColumns(now)) {
    const old = before.get(column.name)
    const [from, to] = [old, column].map((each) => (each === undefined ? null : printPhysicalType(each, 'redshift')))
    if (old === undefined) deployment.push(addBaseColumn(now, column))
    else if (from === to) continue
    else if ((old.maxBytes ?? 0) < (column.maxBytes ?? 0) && old.maxBytes !== null)
      deployment.push(widenBaseColumn(now, column))
    else if (holdsLayout(was, column.name))
      rebuild.push(`column ${column.name} from ${from} to ${to}: Redshift drops no column of a key or of the layout`)
    else operator.push(...retype(now, column))
  }
  if (was.key.join() !== now.key.join())
    rebuild.push(`key from (${was.key.join(', ')}) to (${now.key.join(', ')}): rows are told apart by other columns`)
  operator.push(...layoutStatements(was, now))
  if (replaceAnalystView(was).join() !== replaceAnalystView(now).join()) deployment.push(...replaceAnalystView(now))
  return { deployment, operator, rebuild }
}
