import type { Choices } from './random.ts'
import { sparkPredicates, sparkStatements } from './spark-rules.ts'
import type { TestColumn, TestTable } from './tables.ts'

/** A rule's text, and the tables its aliases stand for. */
export interface RuleCase {
  readonly text: string
  readonly table: string
}

/** Columns whose names hold a dot are written with back-ticks. */
const shown = (name: string): string => (name.includes('.') ? `\`${name}\`` : name)
const quoted = (name: string): string => `"${shown(name)}"`

const NUMBER_CONDITIONS: readonly string[] = ['>', '>=', '<', '<=', '=', '!=']
const SHARES: readonly string[] = ['0', '0.25', '0.5', '0.75', '1.0', '0.9']

/** Every form of number condition over operands. */
const numberConditions = ([first = '0', second = '1', third = '2']: readonly string[]): readonly string[] => [
  ...NUMBER_CONDITIONS.map((operator) => `${operator} ${first}`),
  `between ${first} and ${second}`,
  `not between ${first} and ${second}`,
  `in [${first}, ${second}, ${third}]`,
  `not in [${second}, ${third}]`,
]

/** Operands of DQDL: texts without quotes and backslashes, plain decimal numbers. */
const numbersOf = ({ values }: TestColumn): readonly string[] => {
  const plain = values.filter((value) => /^-?\d{1,15}(\.\d{1,8})?$/.test(value))
  return [...new Set([...plain, '0', '1', '3.5', '-10'])]
}
const textsOf = ({ values }: TestColumn): readonly string[] => {
  const plain = values
    .filter((value) => /^'[^"\\$]*'$/.test(value) && !/^'\d{4}-\d{2}-\d{2}'$/.test(value))
    .map((value) => `"${value.slice(1, -1).replaceAll("''", "'")}"`)
  return [...new Set([...plain, '"abc"', '"zz"'])]
}

const TEXT_KEYWORDS = ['NULL', 'EMPTY', 'WHITESPACES_ONLY'] as const
const PATTERNS = [
  '[a-z]+',
  '.*',
  'a|b',
  '\\\\d+',
  'a',
  '[A-Z].*',
  '.+',
  '\\\\s*',
  '\\\\p{L}+',
  '(?i)abc',
  '-?[0-9.]+',
] as const
const DAYS = ['"2024-05-20"', '"2024-05-21"', '"2023-12-31"', '"1970-01-01"'] as const
const TYPES = [
  'Boolean',
  'Date',
  'Timestamp',
  'Integer',
  'Double',
  'Float',
  'Long',
  'INTEGER',
  'Decimal(10,2)',
] as const
const PLAIN_PATTERNS = PATTERNS.map((pattern) => pattern.replaceAll('\\\\', '\\'))
const isNumeric = ({ kind }: TestColumn): boolean => ['integer', 'floating', 'decimal'].includes(kind)
const isText = ({ kind }: TestColumn): boolean => kind.endsWith('text')

/** Each condition that ColumnValues can put on a column. */
function valueConditions(column: TestColumn): readonly string[] {
  if (isNumeric(column)) {
    const numbers = numbersOf(column)
    return [
      ...numberConditions(numbers),
      ...numberConditions(numbers.slice(-3)),
      '= NULL',
      '!= NULL',
      `in [${numbers[0]}, NULL]`,
      `not in [${numbers[0]}, NULL]`,
      'in ["1", "2"]',
    ]
  }
  if (isText(column)) {
    const texts = textsOf(column)
    return [
      `= ${texts[0]}`,
      `!= ${texts[0]}`,
      `in [${texts.join(', ')}]`,
      `in [${texts.slice(0, 2).join(', ')}]`,
      `not in [${texts.slice(0, 2).join(', ')}]`,
      'not in ["zz"]',
      ...TEXT_KEYWORDS.flatMap((keyword) => [
        `= ${keyword}`,
        `!= ${keyword}`,
        `in [${texts[1]}, ${keyword}]`,
        `not in [${texts[1]}, ${keyword}]`,
      ]),
      'in [NULL, EMPTY, WHITESPACES_ONLY]',
      ...PLAIN_PATTERNS.flatMap((pattern) => [`matches "${pattern}"`, `not matches "${pattern}"`]),
      'in [1, 2]',
      '= "2024-05-20"',
      '> "2024-05-20"',
    ]
  }
  if (column.kind === 'boolean') return ['= "true"', 'in ["true", "false"]', '= NULL', '> 0']
  return [
    ...numberConditions(DAYS),
    '= NULL',
    '!= NULL',
    '> "07:45"',
    '<= "7:45 PM" with timeZone = "Europe/Berlin"',
    `in [${DAYS[0]}, NULL]`,
    `not in [${DAYS[1]}, NULL]`,
    '<= now()',
    '> (now() - 4 days)',
    '< (now() + 2 days)',
    'between (now() - 4 days) and (now() + 2 days)',
  ]
}

/** Operands near the figures that a small table has. */
const MEASURES: readonly (readonly [type: string, operands: readonly string[]])[] = [
  ['Completeness', ['0.9', '1.0', '0.5']],
  ['Uniqueness', ['0.5', '1.0', '0.25']],
  ['UniqueValueRatio', ['1.0', '1.5', '0.5']],
  ['DistinctValuesCount', ['2', '9', '4']],
  ['Entropy', ['0', '1.5', '0.6931471805599453']],
  ['Mean', ['1', '10', '0']],
  ['Sum', ['3', '-10', '0']],
  ['StandardDeviation', ['0', '2', '0.5']],
]

/** Each measure of a column under each form of condition. */
const measureRules = (column: TestColumn): readonly string[] =>
  MEASURES.flatMap(([type, operands]) =>
    [...numberConditions(operands), `> ${operands[0]} - 0.5 * 2`].map(
      (condition) => `${type} ${quoted(column.name)} ${condition}`,
    ),
  )

/** Conditions with a threshold, where the rule type takes one. */
const thresholdRules = (column: TestColumn): readonly string[] =>
  valueConditions(column).flatMap((condition, index) => {
    const operator = ['>', '>=', '<', '<=', '=', '!='][index % 6] ?? '>'
    return index % 3 === 0
      ? [`ColumnValues ${quoted(column.name)} ${condition} with threshold ${operator} ${SHARES[index % SHARES.length]}`]
      : []
  })

/** Names as people write them: without quotes, in another case, with a dot that is no field. */
const namingRules = ({ name }: TestColumn): readonly string[] => [
  ...(/^[A-Za-z][A-Za-z0-9_]*$/.test(name) && name !== 'Rules' ? [`IsComplete ${name}`] : []),
  `IsComplete "${name.toUpperCase()}"`,
  `IsUnique "${name.toLowerCase()}"`,
  `ColumnExists "${name.toUpperCase()}"`,
]

/** Rules about one column, without where. */
function columnRules(column: TestColumn): readonly string[] {
  const name = quoted(column.name)
  const rules = [
    `ColumnExists "${column.name}"`,
    `IsComplete ${name}`,
    ...SHARES.slice(0, 4).map((share) => `Completeness ${name} >= ${share}`),
    `IsUnique ${name}`,
    `IsPrimaryKey ${name}`,
    `Uniqueness ${name} > 0.5`,
    `UniqueValueRatio ${name} = 1.0`,
    `DistinctValuesCount ${name} between 1 and 9`,
    `DistinctValuesCount ${name} = 2`,
    `Entropy ${name} < 1.5`,
    `ColumnLength ${name} > 0`,
    ...TYPES.flatMap((type) => [
      `ColumnDataType ${name} = "${type}"`,
      `ColumnDataType ${name} != "${type}" with threshold > 0.3`,
    ]),
    ...valueConditions(column).map((condition) => `ColumnValues ${name} ${condition}`),
  ]
  if (isNumeric(column))
    rules.push(
      ...['Mean', 'Sum', 'StandardDeviation'].flatMap((type) => [
        `${type} ${name} > 1`,
        `${type} ${name} between -10 and 10`,
      ]),
    )
  else rules.push(`Mean ${name} > 1`)
  if (isText(column))
    rules.push(
      ...[...numberConditions(['1', '4', '3']), 'in [0, 1]', 'not in [0, 9]', 'not between 0 and 3'].map(
        (condition) => `ColumnLength ${name} ${condition}`,
      ),
    )
  if (column.kind === 'date_text')
    rules.push(
      ...['yyyy-MM-dd', 'dd-MM-yyyy', 'MM/dd/yyyy', 'yyyy', 'yyyy-MM'].map(
        (format) => `ColumnDataType ${name} = "Date" with format = "${format}" with threshold > 0.1`,
      ),
    )
  if (column.kind !== 'timestamp' && column.kind !== 'date') rules.push(`DataFreshness ${name} > 1 hours`)
  if (column.kind === 'timestamp' || column.kind === 'date' || column.kind === 'date_text')
    rules.push(
      ...[
        '< 24 hours',
        '> 2 days',
        '<= 90 minutes',
        'between 1 hours and 40 hours',
        'not between 1 hours and 40 hours',
      ].map((condition) => `DataFreshness ${name} ${condition}`),
    )
  return rules
}

const REFERENCES = ['clean', 'nulls', 'distinct', 'no_row'] as const

/** Rules about the table, and about it beside others. */
function tableRules({ columns }: TestTable): readonly string[] {
  const numeric = columns.filter(isNumeric).map(({ name }) => shown(name))
  const [first = '', second = ''] = columns.map(({ name }) => shown(name))
  const [one = '', two = ''] = numeric
  const other = columns[3]?.name ?? ''
  return [
    ...numberConditions(['2', '20', '4']).map((condition) => `RowCount ${condition}`),
    'RowCount > 1 + 2 * 3',
    `ColumnCount = ${columns.length}`,
    'ColumnCount between 1 and 100',
    'ColumnExists "missing"',
    'IsComplete "missing"',
    'ColumnNamesMatchPattern "^c[0-9]+_"',
    'ColumnNamesMatchPattern "[a-z]"',
    `IsPrimaryKey "${first}" "${second}"`,
    ...numberConditions(['0.1', '0.9', '1']).map((condition) => `ColumnCorrelation "${one}" "${two}" ${condition}`),
    `ColumnCorrelation "${one}" "${one}" >= 0.9`,
    'ColumnNamesMatchPattern ".+"',
    'RowCount > 0 where "1 = 0"',
    `RowCount between 0 and 9 where "\`${first.replaceAll('`', '')}\` is not null"`,
    'CustomSql "select count(*) from primary" > 2',
    `CustomSql "select max(\`${other}\`) from primary" >= 0`,
    `CustomSql "select \`${other}\` from primary where \`${other}\` is not null"`,
    `CustomSql "select \`${other}\` from primary where \`${other}\` > 1" with threshold > 0.3`,
    'CustomSql "select nothing from primary" = 0',
    `CustomSql "select avg(cast(\`${other}\` as double)) from primary" > 0`,
    `CustomSql "select count(distinct \`${other}\`) from primary where \`${other}\` > 0" between 0 and 5`,
    'CustomSql "select count(*), 1 from primary" > 0',
    `CustomSql "select \`${other}\` from primary" > 0`,
    'CustomSql "select * from primary"',
    'CustomSql "select p.* from primary p where 1 = 0" with threshold >= 0.0',
    ...REFERENCES.flatMap((alias) => [
      `RowCountMatch "${alias}" >= 0.9`,
      `SchemaMatch "${alias}" = 1.0`,
      `SchemaMatch "${alias}" between 0 and 0.9`,
      `ReferentialIntegrity "${first}" "${alias}.c0_text" >= 0.5`,
      `ReferentialIntegrity "${first},${second}" "${alias}.{c0_text,c1_number_text}" = 1.0`,
      `DatasetMatch "${alias}" "${first}->c0_text" "${second}->c1_number_text" >= 0.5`,
      `AggregateMatch "sum(${one})" "sum(${alias}.c3_integer)" between 0.5 and 1.5`,
      `AggregateMatch "avg(${one})" "avg(${alias}.c3_integer)" = 1.0`,
      `DatasetMatch "${alias}" "${first}->c3_integer" = 0`,
      `RowCountMatch "${alias}" not between 0 and 1`,
    ]),
    'RowCountMatch "unknown" >= 0.9',
    `(RowCount > 1000) or (IsComplete "${first}")`,
    `(RowCount > 0) and (IsComplete "${first}") and (IsUnique "${second}")`,
    `((RowCount > 1000) and (RowCount > 2)) or (ColumnCount > 1)`,
  ]
}

/** Types that the reference knows a where clause for. */
const TAKES_WHERE =
  /^(?:RowCount|IsComplete|Completeness|IsUnique|Uniqueness|UniqueValueRatio|DistinctValuesCount|IsPrimaryKey|Mean|Sum|StandardDeviation|Entropy|ColumnCorrelation|ColumnLength|ColumnValues|ColumnDataType|DataFreshness) /

/** Predicates of Spark SQL over a column: true, false and NULL for its rows, with functions that dialects write otherwise. */
const predicatesOf = ({ name, kind }: TestColumn): readonly string[] => {
  const column = `\`${name}\``
  const any = [`${column} is not null`, `${column} is null`, `coalesce(${column} is null, true)`, '1 = 1', '1 = 0']
  if (kind === 'boolean') return [...any, column, `not ${column}`, `${column} <=> true`]
  if (kind === 'date' || kind === 'timestamp')
    return [
      ...any,
      `${column} >= '2024-05-20'`,
      `year(${column}) = 2024`,
      `to_date(${column}) = date '2024-05-20'`,
      `${column} between '2024-01-01' and '2024-12-31'`,
      `date_add(${column}, 1) > '2024-05-20'`,
      `datediff(${column}, '2024-05-01') > 10`,
    ]
  if (kind.endsWith('text'))
    return [
      ...any,
      `${column} <> ''`,
      `length(${column}) > 1`,
      `${column} rlike '^[a-z]'`,
      `${column} like 'a%'`,
      `${column} in ('a', 'b', '1')`,
      `not ${column} = 'a'`,
      `upper(${column}) = 'A' or ${column} is null`,
      `substring(${column}, 1, 1) = '2'`,
      `trim(${column}) = ''`,
      `nvl(${column}, 'none') <> 'none'`,
      `instr(${column}, 'a') > 0`,
      `concat(${column}, 'x') <> 'x'`,
    ]
  return [
    ...any,
    `${column} > 1`,
    `${column} between 0 and 10`,
    `${column} > 1000000`,
    `abs(${column}) < 3`,
    `${column} in (1, 2, 3)`,
    `case when ${column} > 0 then true else false end`,
    `if(${column} > 0, ${column}, 0) < 5`,
    `${column} % 2 = 0`,
    `not (${column} > 1 and ${column} < 3)`,
    `cast(${column} as string) like '1%'`,
    `coalesce(${column}, 0) >= 0`,
  ]
}

/** Puts a where clause behind a rule, before its tags. */
const withWhere = (rule: string, predicate: string): string => {
  const tags = rule.indexOf(' with ')
  const clause = ` where "${predicate}"`
  return tags < 0 ? `${rule}${clause}` : `${rule.slice(0, tags)}${clause}${rule.slice(tags)}`
}

/** Every rule type and operator over a table. */
export const standingRules = (table: TestTable): readonly RuleCase[] => {
  const measures = table.name === 'nulls' || table.name === 'duplicates' ? table.columns.flatMap(measureRules) : []
  const thresholds = table.name === 'nulls' ? table.columns.flatMap(thresholdRules) : []
  const names = table.name === 'names' ? table.columns.flatMap(namingRules) : []
  const columns = table.columns.flatMap(columnRules)
  return [...tableRules(table), ...columns, ...measures, ...thresholds, ...names].map((text) => ({
    text,
    table: table.name,
  }))
}

type Pool = (table: TestTable, column: TestColumn) => readonly string[]
const values: Pool = (_table, column) =>
  valueConditions(column).map((condition) => `ColumnValues ${quoted(column.name)} ${condition}`)
/** Where random rules are drawn from; the more often one stands here, the more likely it is. */
const POOLS: readonly Pool[] = [
  tableRules,
  tableRules,
  tableRules,
  (_table, column) => columnRules(column),
  (_table, column) => columnRules(column),
  (_table, column) => measureRules(column),
  (_table, column) => measureRules(column),
  values,
  (_table, column) => columnRules(column),
  (_table, column) => columnRules(column),
  (_table, column) => measureRules(column),
  (_table, column) => measureRules(column),
  values,
  values,
  (_table, column) => thresholdRules(column),
  (_table, column) => namingRules(column),
]

/** Of a random rule. */
const SHARE = { sparkStatement: 0.12, where: 0.3, sparkPredicate: 0.6, composite: 0.1, nested: 0.3 } as const

/** A random rule over a table: with a where clause, a threshold or as a composite now and then. */
export function randomRule(table: TestTable, choices: Choices): RuleCase {
  const plainColumns = table.columns.filter(({ name }) => !name.includes('.'))
  const predicate = (): string => {
    const column = choices.pick(table.columns)
    const one = choices.pick(choices.chance(SHARE.sparkPredicate) ? sparkPredicates(column) : predicatesOf(column))
    if (choices.chance(0.8)) return one
    return `(${one}) ${choices.pick(['and', 'or'])} ${choices.pick(sparkPredicates(choices.pick(table.columns)))}`
  }
  const single = (): string => {
    if (choices.chance(SHARE.sparkStatement))
      return choices.pick(sparkStatements(table, choices.pick(plainColumns), choices.pick(plainColumns)))
    const rule = choices.pick(choices.pick(POOLS)(table, choices.pick(table.columns)))
    const isPlain = !rule.startsWith('(')
    if (!isPlain || rule.includes(' where ') || !TAKES_WHERE.test(rule) || !choices.chance(SHARE.where)) return rule
    return withWhere(rule, predicate())
  }
  const composite = (depth: number): string => {
    const part = (): string => (depth > 0 && choices.chance(SHARE.nested) ? composite(depth - 1) : single())
    const operator = choices.pick(['and', 'or'])
    return Array.from({ length: 2 + choices.below(2) }, () => `(${part()})`).join(` ${operator} `)
  }
  return { text: choices.chance(SHARE.composite) ? composite(2) : single(), table: table.name }
}
