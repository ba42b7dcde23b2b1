/** Functions of Spark that DuckDB lacks, or gives another meaning, as macros `sluice_{name}` by the number of arguments. */
export const SPARK_MACROS: Readonly<Record<string, { readonly parameters: readonly string[]; readonly sql: string }>> =
  {
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
    shiftleft: { parameters: ['a', 'n'], sql: 'a << n' },
    shiftright: { parameters: ['a', 'n'], sql: 'a >> n' },
    sha2: { parameters: ['s', 'bits'], sql: 'CASE WHEN bits IN (0, 256) THEN sha256(s) END' },
    lpad: { parameters: ['s', 'n', 'p'], sql: 'lpad(CAST(s AS VARCHAR), n, p)' },
    rpad: { parameters: ['s', 'n', 'p'], sql: 'rpad(CAST(s AS VARCHAR), n, p)' },
    // Monday is 0.
    weekday: { parameters: ['d'], sql: 'isodow(try_cast(d AS DATE)) - 1' },
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
