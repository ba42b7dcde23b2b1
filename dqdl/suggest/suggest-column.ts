import { listText, numberText, rounded, wherePresent } from './operands.ts'
import type { ColumnProfile } from './profile.ts'
import { gate, type Suggestion, warn } from './suggestion.ts'

/** Fewer rows say nothing about keys, lists and ranges. */
const TELLING_ROWS = 10
/** A list of values is one when each occurs this often on average. */
const REPEATS_OF_LISTED = 3
/** How far below the observed share completeness may fall. */
const COMPLETENESS_MARGIN = 0.05
/** A mean this many times as large or small is another unit: cents for units, grams for kilograms. */
const UNIT_FACTOR = 3
/** The mean of values of both signs may move by so many standard deviations. */
const MEAN_DEVIATIONS = 3
/** Data older than this were not fresh when they were profiled: nothing is said of their age. */
const FRESH_DAYS = 400
const MILLIS_A_DAY = 86_400_000

/** A column with its name as a parameter, in data of so many rows. */
export interface ColumnInData {
  readonly profile: ColumnProfile
  readonly parameter: string
  readonly rows: number
  /** It is the first column, where keys stand. */
  readonly isFirst: boolean
  readonly now: Date
}

const rows = (count: number): string => (count === 1 ? '1 row' : `${count} rows`)
const isComplete = ({ profile, rows: all }: ColumnInData): boolean => profile.values === all
/** For rules that NULL would break. */
const scope = (column: ColumnInData): string => (isComplete(column) ? '' : wherePresent(column.profile.name))

function completeness(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter, rows: all } = column
  const share = profile.values / all
  const observed = { [`Column.${profile.name}.Completeness`]: share }
  if (isComplete(column)) return [gate(`IsComplete ${parameter}`, `each of ${rows(all)} has a value`, observed)]
  const least = Math.floor((share - COMPLETENESS_MARGIN) * 100) / 100
  const text = numberText(least)
  if (least <= 0 || text === null) return []
  return [warn(`Completeness ${parameter} > ${text}`, `${profile.values} of ${rows(all)} have a value`, observed)]
}

/** How columns are called that name rows. */
const KEY_NAME = /(?:^|[^a-z])(?:id|key|code|number|no|uuid|guid)$|(?:Id|ID|Key|Code|Number|Uuid)$/

/** Every value once, in a column that by its name or place is there to name rows. */
const isKeyLike = ({ profile, rows: all, isFirst }: ColumnInData): boolean =>
  all >= TELLING_ROWS &&
  profile.values > 0 &&
  profile.distinct === profile.values &&
  (isFirst || KEY_NAME.test(profile.name))

function key(column: ColumnInData): readonly Suggestion[] {
  if (!isKeyLike(column)) return []
  const { profile, parameter } = column
  const observed = { [`Column.${profile.name}.Uniqueness`]: 1 }
  return [
    gate(
      `${isComplete(column) ? 'IsPrimaryKey' : 'IsUnique'} ${parameter}`,
      `${profile.distinct} distinct values, none twice`,
      observed,
    ),
  ]
}

function listOf(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter, rows: all } = column
  const listed = profile.texts?.listed ?? []
  const texts = listed.map(listText)
  const few = listed.length > 0 && profile.values >= listed.length * REPEATS_OF_LISTED && all >= TELLING_ROWS
  if (!few || texts.includes(null)) return []
  const items = isComplete(column) ? texts : [...texts, 'NULL']
  const rule = `ColumnValues ${parameter} in [${items.join(',')}]`
  return [
    warn(rule, `${listed.length} distinct values in ${rows(profile.values)}`, {
      [`Column.${profile.name}.DistinctValuesCount`]: listed.length,
    }),
  ]
}

function lengths(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter } = column
  if (profile.texts === null) return []
  const { shortest, longest } = profile.texts
  const observed = {
    [`Column.${profile.name}.MinimumLength`]: shortest,
    [`Column.${profile.name}.MaximumLength`]: longest,
  }
  if (shortest === longest && longest > 0)
    return [
      gate(`ColumnLength ${parameter} = ${longest}${scope(column)}`, `all texts have ${longest} characters`, observed),
    ]
  const most = Math.max(1, rounded(longest * 2, 'up'))
  const reason = `texts have ${shortest} to ${longest} characters`
  return shortest > 0 && isComplete(column)
    ? [warn(`ColumnLength ${parameter} between 0 and ${most + 1}`, reason, observed)]
    : [warn(`ColumnLength ${parameter} <= ${most}`, reason, observed)]
}

function forms(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter, rows: all } = column
  const { pattern = null, mail = false } = profile.texts ?? {}
  if (pattern === null || all < TELLING_ROWS) return []
  const rule = `ColumnValues ${parameter} matches "${pattern}"${scope(column)}`
  const reason = mail ? 'all texts look like addresses of mail' : `all ${profile.values} texts have one form`
  return [warn(rule, reason, { [`Column.${profile.name}.PatternMatch`]: 1 })]
}

function texts(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter } = column
  if (profile.texts === null) return []
  const { castableTo } = profile.texts
  if (castableTo !== null)
    return [
      warn(
        `ColumnDataType ${parameter} = "${castableTo}"${scope(column)}`,
        `all ${profile.values} texts can be cast to ${castableTo}`,
        { [`Column.${profile.name}.ColumnDataType.Compliance`]: 1 },
      ),
    ]
  const list = listOf(column)
  if (list.length > 0) return list
  const pattern = forms(column)
  // A form says the length too.
  return pattern.length > 0 && !profile.texts.mail ? pattern : [...pattern, ...lengths(column)]
}

function range(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter } = column
  if (profile.numbers === null) return []
  const { minimum, maximum } = profile.numbers
  const observed = { [`Column.${profile.name}.Minimum`]: minimum, [`Column.${profile.name}.Maximum`]: maximum }
  const spread = maximum - minimum || Math.abs(maximum) || 1
  const high = numberText(rounded(maximum + spread, 'up'))
  const low = numberText(rounded(minimum - spread, 'down'))
  const floor =
    minimum >= 0 ? [gate(`ColumnValues ${parameter} >= 0${scope(column)}`, 'no value is below 0', observed)] : []
  if (high === null || low === null || !Number.isFinite(spread)) return floor
  const reason = `values lie between ${minimum} and ${maximum}`
  return minimum >= 0
    ? [...floor, warn(`ColumnValues ${parameter} < ${high}${scope(column)}`, reason, observed)]
    : [warn(`ColumnValues ${parameter} between ${low} and ${high}${scope(column)}`, reason, observed)]
}

function mean(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter } = column
  if (profile.numbers === null) return []
  const { mean: observedMean, minimum, deviation } = profile.numbers
  const oneSign = minimum >= 0 && observedMean > 0
  const margin = deviation * MEAN_DEVIATIONS
  if (!oneSign && margin === 0) return []
  const low = numberText(rounded(oneSign ? observedMean / UNIT_FACTOR : observedMean - margin, 'down'))
  const high = numberText(rounded(oneSign ? observedMean * UNIT_FACTOR : observedMean + margin, 'up'))
  if (low === null || high === null || !(Number(low) < observedMean && observedMean < Number(high))) return []
  return [
    warn(
      `Mean ${parameter} between ${low} and ${high}`,
      `the mean is ${Number(observedMean.toPrecision(6))}; values of another unit or meaning move it`,
      { [`Column.${profile.name}.Mean`]: observedMean },
    ),
  ]
}

function days(column: ColumnInData): readonly Suggestion[] {
  const { profile, parameter, now } = column
  if (profile.days === null) return []
  const { first, last } = profile.days
  const observed = { first, last }
  const found: Suggestion[] = []
  const year = Number(first.slice(0, 4)) - 1
  if (year >= 1000)
    found.push(
      gate(`ColumnValues ${parameter} > "${year}-12-31"${scope(column)}`, `the first day is ${first}`, observed),
    )
  const today = now.toISOString().slice(0, 10)
  if (last > today) return found
  found.push(
    warn(
      `ColumnValues ${parameter} <= now()${scope(column)}`,
      `no day is in the future; the last is ${last}`,
      observed,
    ),
  )
  const ageDays = Math.ceil((now.getTime() - new Date(`${first}T00:00:00Z`).getTime()) / MILLIS_A_DAY)
  if (ageDays > FRESH_DAYS) return found
  const rule = `DataFreshness ${parameter} < ${rounded(ageDays * 2 + 1, 'up')} days${scope(column)}`
  return [...found, warn(rule, `the oldest value is ${ageDays} days old`, observed)]
}

/** All rules that one column suggests, in the order in which they are read best. */
export function suggestForColumn(column: ColumnInData): readonly Suggestion[] {
  if (column.profile.values === 0) return []
  const numeric = isKeyLike(column) ? [] : [...range(column), ...mean(column)]
  return [...completeness(column), ...key(column), ...texts(column), ...numeric, ...days(column)]
}
