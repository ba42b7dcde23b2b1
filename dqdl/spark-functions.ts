import { FALSE_TEXTS, FLOATING, TRUE_TEXTS, WHOLE_NUMBER } from './castable.ts'
import { literal, matches } from './sql.ts'
import { dateOfText, timestampOfText } from './text-times.ts'

interface Macro {
  readonly parameters: readonly string[]
  readonly sql: string
}

const wholeOfText = (duckdbType: string): string =>
  `CASE WHEN ${matches('a', WHOLE_NUMBER)} THEN try_cast(trunc(try_cast(trim(a) AS DECIMAL(38, 9))) AS ${duckdbType}) END`
/** Beyond the type's range is its end, NaN is 0. */
const wholeOfDouble = (duckdbType: string, least: string, most: string): string =>
  `CASE WHEN isnan(a) THEN 0 WHEN a >= ${most} THEN ${most} WHEN a <= ${least} THEN ${least} ELSE try_cast(trunc(a) AS ${duckdbType}) END`
const among = (texts: readonly string[]): string => `lower(trim(a)) IN (${texts.map(literal).join(', ')})`
const time = (name: string): string => `try_cast(${name} AS TIMESTAMP)`

const HALF = { INTEGER: '2147483648', BIGINT: '9223372036854775808' } as const
const ALL_BITS = { INTEGER: '4294967295', BIGINT: '18446744073709551615' } as const
/** The bits of a type that are left of a whole number that has more. */
const wrapped = (sql: string, duckdbType: 'INTEGER' | 'BIGINT'): string =>
  `CAST(((${sql} + ${HALF[duckdbType]}) & ${ALL_BITS[duckdbType]}) - ${HALF[duckdbType]} AS ${duckdbType})`
const wide = (name: string, duckdbType: 'INTEGER' | 'BIGINT'): string =>
  `CAST(${name} AS ${duckdbType === 'INTEGER' ? 'BIGINT' : 'HUGEINT'})`

const specialDay = (name: string, now: string): string =>
  `CASE lower(trim(${name})) WHEN 'epoch' THEN DATE '1970-01-01' WHEN 'now' THEN ${now} WHEN 'today' THEN current_date WHEN 'yesterday' THEN current_date - 1 ELSE current_date + 1 END`
/** Of narrower types, too. */
const unlessLeast = (sql: string): string =>
  `CASE WHEN (typeof(a) = 'SMALLINT' AND a = -32768) OR (typeof(a) = 'TINYINT' AND a = -128) THEN a ELSE ${sql} END`

/** Arithmetic of whole numbers wraps around in Spark. */
const WHOLE_ARITHMETIC: Readonly<Record<string, Macro>> = Object.fromEntries(
  (['INTEGER', 'BIGINT'] as const).flatMap((type) => {
    const kind = type === 'INTEGER' ? 'int' : 'bigint'
    const [a, b] = [wide('a', type), wide('b', type)]
    return [
      [`add_${kind}`, { parameters: ['a', 'b'], sql: wrapped(`${a} + ${b}`, type) }],
      [`sub_${kind}`, { parameters: ['a', 'b'], sql: wrapped(`${a} - ${b}`, type) }],
      [`mul_${kind}`, { parameters: ['a', 'b'], sql: wrapped(`${a} * ${b}`, type) }],
      [`neg_${kind}`, { parameters: ['a'], sql: unlessLeast(wrapped(`-${a}`, type)) }],
      [`abs_${kind}`, { parameters: ['a'], sql: unlessLeast(wrapped(`abs(${a})`, type)) }],
    ] as const
  }),
)
const within = (sql: string, end: string): string => `CASE WHEN abs(${sql}) < ${end} THEN ${sql} END`
/** Decimals of more than 38 digits are NULL, and quotients keep six of them behind the point; products keep fewer digits behind the point. */
const DECIMAL_ARITHMETIC: Readonly<Record<string, Macro>> = {
  add_decimal: { parameters: ['a', 'b'], sql: 'TRY(a + b)' },
  sub_decimal: { parameters: ['a', 'b'], sql: 'TRY(a - b)' },
  mul_decimal: {
    parameters: ['a', 'b'],
    sql: `coalesce(TRY(a * b), ${within('CAST(a AS DOUBLE) * CAST(b AS DOUBLE)', '1e38')})`,
  },
  div_decimal: { parameters: ['a', 'b'], sql: within('a / b', '1e32') },
}

/** Casts between kinds of values as Spark does them without ANSI mode: what cannot be cast is NULL. */
const CASTS: Readonly<Record<string, Macro>> = {
  text_int: { parameters: ['a'], sql: wholeOfText('INTEGER') },
  text_bigint: { parameters: ['a'], sql: wholeOfText('BIGINT') },
  text_double: {
    parameters: ['a'],
    sql: `CASE WHEN ${matches('a', FLOATING)} THEN try_cast(regexp_replace(trim(a), '([0-9.])[dDfF]$', '\\1') AS DOUBLE) END`,
  },
  text_decimal: { parameters: ['a'], sql: `CASE WHEN ${matches('a', FLOATING)} THEN trim(a) END` },
  text_boolean: {
    parameters: ['a'],
    sql: `CASE WHEN ${among(TRUE_TEXTS)} THEN true WHEN ${among(FALSE_TEXTS)} THEN false END`,
  },
  bigint_int: { parameters: ['a'], sql: wrapped(wide('a', 'BIGINT'), 'INTEGER') },
  decimal_int: { parameters: ['a'], sql: wrapped('CAST(trunc(a) AS HUGEINT)', 'INTEGER') },
  decimal_bigint: { parameters: ['a'], sql: wrapped('CAST(trunc(a) AS HUGEINT)', 'BIGINT') },
  // Words that are days when they stand in the text of a statement.
  special_date: { parameters: ['a'], sql: specialDay('a', 'current_date') },
  special_time: { parameters: ['a'], sql: specialDay('a', 'CAST(now() AS TIMESTAMP)') },
  text_date: { parameters: ['a'], sql: dateOfText('a') },
  text_timestamp: { parameters: ['a'], sql: timestampOfText('a') },
  double_int: { parameters: ['a'], sql: wholeOfDouble('INTEGER', '-2147483648', '2147483647') },
  double_bigint: { parameters: ['a'], sql: wholeOfDouble('BIGINT', '-9223372036854775808', '9223372036854775807') },
  double_text: { parameters: ['a'], sql: `CASE WHEN a = 0 AND signbit(a) THEN '-0.0' ELSE sluice_number(a) END` },
  time: { parameters: ['a'], sql: 'make_timestamp(CAST(CAST(a AS DOUBLE) * 1000000 AS BIGINT))' },
  seconds: { parameters: ['a'], sql: 'epoch(a)' },
  whole_seconds: { parameters: ['a'], sql: 'CAST(floor(epoch(a)) AS BIGINT)' },
}

/** Functions of Spark that DuckDB lacks, or gives another meaning, as macros `sluice_{name}` by the number of arguments. */
export const SPARK_MACROS: Readonly<Record<string, Macro>> = {
  ...CASTS,
  ...WHOLE_ARITHMETIC,
  ...DECIMAL_ARITHMETIC,
  now_seconds: { parameters: [], sql: 'CAST(floor(epoch(now())) AS BIGINT)' },
  octet_length: { parameters: ['s'], sql: 'strlen(CAST(s AS VARCHAR))' },
  // NULL as soon as one part is NULL.
  concat: { parameters: ['a', 'b'], sql: 'CAST(a AS VARCHAR) || CAST(b AS VARCHAR)' },
  // Casts to whole numbers cut fractions, and do not round.
  whole: { parameters: ['a'], sql: 'trunc(try_cast(a AS DOUBLE))' },
  whole_long: { parameters: ['a'], sql: 'trunc(try_cast(a AS DECIMAL(38, 9)))' },
  initcap: {
    parameters: ['s'],
    sql: `array_to_string(list_transform(string_split(lower(s), ' '), lambda w: upper(w[1]) || w[2:]), ' ')`,
  },
  // A day, whatever is added to.
  date_add: { parameters: ['d', 'n'], sql: 'try_cast(d AS DATE) + CAST(n AS INTEGER)' },
  date_sub: { parameters: ['d', 'n'], sql: 'try_cast(d AS DATE) - CAST(n AS INTEGER)' },
  add_months: { parameters: ['d', 'n'], sql: 'CAST(try_cast(d AS DATE) + to_months(CAST(n AS INTEGER)) AS DATE)' },
  pmod: { parameters: ['a', 'b'], sql: '((a % b) + b) % b' },
  isnull: { parameters: ['a'], sql: 'a IS NULL' },
  isnotnull: { parameters: ['a'], sql: 'a IS NOT NULL' },
  nanvl: { parameters: ['a', 'b'], sql: 'CASE WHEN isnan(CAST(a AS DOUBLE)) THEN b ELSE a END' },
  signum: { parameters: ['a'], sql: 'sign(a)' },
  bround: { parameters: ['a'], sql: 'round_even(a, 0)' },
  bround_to: { parameters: ['a', 'n'], sql: 'round_even(a, n)' },
  shiftleft: { parameters: ['a', 'n'], sql: 'a << n' },
  shiftright: { parameters: ['a', 'n'], sql: 'a >> n' },
  sha2: { parameters: ['s', 'bits'], sql: 'CASE WHEN bits IN (0, 256) THEN sha256(s) END' },
  lpad: { parameters: ['s', 'n', 'p'], sql: 'lpad(CAST(s AS VARCHAR), n, p)' },
  rpad: { parameters: ['s', 'n', 'p'], sql: 'rpad(CAST(s AS VARCHAR), n, p)' },
  // Monday is 0.
  weekday: { parameters: ['d'], sql: 'isodow(try_cast(d AS DATE)) - 1' },
  // Sunday is 1.
  dayofweek: { parameters: ['d'], sql: 'dayofweek(try_cast(d AS DATE)) + 1' },
  upper: { parameters: ['s'], sql: `upper(replace(s, 'ß', 'ss'))` },
  btrim: { parameters: ['s'], sql: 'trim(s)' },
  isnan: { parameters: ['a'], sql: 'coalesce(isnan(CAST(a AS DOUBLE)), false)' },
  sqrt: { parameters: ['a'], sql: `CASE WHEN a < 0 THEN 'NaN'::DOUBLE ELSE sqrt(a) END` },
  ln: { parameters: ['a'], sql: 'CASE WHEN a > 0 THEN ln(a) END' },
  log10: { parameters: ['a'], sql: 'CASE WHEN a > 0 THEN log10(a) END' },
  log2: { parameters: ['a'], sql: 'CASE WHEN a > 0 THEN log2(a) END' },
  log_of: { parameters: ['b', 'a'], sql: 'CASE WHEN a > 0 AND b > 0 THEN ln(a) / ln(b) END' },
  rint: { parameters: ['a'], sql: 'round_even(a, 0)' },
  // A backslash escapes, whatever is said.
  like: { parameters: ['s', 'p'], sql: `s LIKE p ESCAPE '\\'` },
  i_like: { parameters: ['s', 'p'], sql: `s ILIKE p ESCAPE '\\'` },
  hex: { parameters: ['a'], sql: 'hex(a)' },
  // Positions count from 1, and 0 is 1; from the end below 0, where what lies before the start is cut off.
  substring_from: {
    parameters: ['s', 'p'],
    sql: 'substring(s, greatest(CASE WHEN p > 0 THEN p WHEN p < 0 THEN length(s) + p + 1 ELSE 1 END, 1))',
  },
  substring: {
    parameters: ['s', 'p', 'n'],
    sql: 'substring(s, greatest(CASE WHEN p > 0 THEN p WHEN p < 0 THEN length(s) + p + 1 ELSE 1 END, 1), greatest(n + least(CASE WHEN p < 0 THEN length(s) + p ELSE 0 END, 0), 0))',
  },
  // Every match; groups are written with a dollar.
  regexp_replace: {
    parameters: ['s', 'p', 'r'],
    sql: `regexp_replace(s, p, regexp_replace(r, '\\$(\\d)', '\\\\\\1', 'g'), 'g')`,
  },
  substring_index: {
    parameters: ['s', 'd', 'n'],
    sql: `array_to_string(CASE WHEN n > 0 THEN string_split(s, d)[1:n] ELSE string_split(s, d)[n:] END, d)`,
  },
  find_in_set: {
    parameters: ['s', 'l'],
    sql: `CASE WHEN s IS NOT NULL THEN coalesce(list_position(string_split(l, ','), s), 0) END`,
  },
  size: { parameters: ['a'], sql: 'coalesce(len(a), -1)' },
  element_at: { parameters: ['a', 'i'], sql: 'a[i]' },
  array_join: { parameters: ['a', 'd'], sql: 'array_to_string(a, d)' },
  collect_set: { parameters: ['a'], sql: 'coalesce(list(DISTINCT a) FILTER (WHERE a IS NOT NULL), [])' },
  collect_list: { parameters: ['a'], sql: 'coalesce(list(a) FILTER (WHERE a IS NOT NULL), [])' },
  percentile: { parameters: ['a', 'p'], sql: 'quantile_cont(CAST(a AS DOUBLE), p)' },
  // Of the population.
  kurtosis: { parameters: ['a'], sql: 'kurtosis_pop(a)' },
  skewness: { parameters: ['a'], sql: 'skewness(a) * (count(a) - 2) / sqrt(count(a) * (count(a) - 1))' },
  make_date: { parameters: ['y', 'm', 'd'], sql: `try_cast(y || '-' || m || '-' || d AS DATE)` },
  timestampdiff: { parameters: ['u', 'a', 'b'], sql: `date_sub(u, ${time('a')}, ${time('b')})` },
  date_format: { parameters: ['t', 'f'], sql: `strftime(${time('t')}, f)` },
  to_date_by: { parameters: ['t', 'f'], sql: 'CAST(try_strptime(CAST(t AS VARCHAR), f) AS DATE)' },
  to_timestamp_by: { parameters: ['t', 'f'], sql: 'try_strptime(CAST(t AS VARCHAR), f)' },
  unix_timestamp_by: {
    parameters: ['t', 'f'],
    sql: 'CAST(floor(epoch(try_strptime(CAST(t AS VARCHAR), f))) AS BIGINT)',
  },
  from_unixtime: {
    parameters: ['n'],
    sql: `strftime(make_timestamp(CAST(n AS BIGINT) * 1000000), '%Y-%m-%d %H:%M:%S')`,
  },
  from_unixtime_by: { parameters: ['n', 'f'], sql: 'strftime(make_timestamp(CAST(n AS BIGINT) * 1000000), f)' },
  to_unix_timestamp: { parameters: ['t'], sql: `CAST(floor(epoch(${time('t')})) AS BIGINT)` },
  to_timestamp: { parameters: ['t'], sql: 'try_cast(t AS TIMESTAMP)' },
  unix_timestamp: { parameters: ['t'], sql: 'CAST(floor(epoch(try_cast(t AS TIMESTAMP))) AS BIGINT)' },
  trunc: {
    parameters: ['d', 'unit'],
    sql: `CAST(CASE WHEN upper(unit) IN ('YEAR', 'YYYY', 'YY') THEN date_trunc('year', try_cast(d AS DATE)) WHEN upper(unit) IN ('MONTH', 'MON', 'MM') THEN date_trunc('month', try_cast(d AS DATE)) WHEN upper(unit) = 'QUARTER' THEN date_trunc('quarter', try_cast(d AS DATE)) WHEN upper(unit) = 'WEEK' THEN date_trunc('week', try_cast(d AS DATE)) END AS DATE)`,
  },
}

const PREFIX = 'sluice_'
export const macroName = (name: string): string => `${PREFIX}${name}`

/** The macro that stands for a function, or `null`. */
export const macroFor = (name: string, argumentCount: number): string | null =>
  SPARK_MACROS[name.toLowerCase()]?.parameters.length === argumentCount ? macroName(name.toLowerCase()) : null

/** Statements that create the macros that some texts of SQL use. */
export function macroStatements(texts: readonly string[]): readonly string[] {
  const all = texts.join('\n').toLowerCase()
  return Object.entries(SPARK_MACROS)
    .filter(([name]) => all.includes(`${macroName(name)}(`))
    .map(
      ([name, { parameters, sql }]) =>
        `CREATE OR REPLACE TEMP MACRO ${macroName(name)}(${parameters.join(', ')}) AS ${sql}`,
    )
}
