/** A table of 8 columns, rules over it, and the same figures in one statement by hand. */

/** SELECT of `rows` rows of DuckDB: one text key, two texts, numbers, a day and a time. */
export const tableSql = (rows: number): string => `SELECT
  'O' || lpad(((i * 7919) % 10000000019)::VARCHAR, 10, '0') AS order_id,
  (hash(i) % 500000)::BIGINT AS customer_id,
  ['new', 'paid', 'packed', 'shipped', 'returned'][1 + (hash(i, 1) % 5)::INTEGER] AS state,
  round((hash(i, 2) % 1000000) / 100.0, 2)::DOUBLE AS amount,
  (1 + hash(i, 3) % 100)::INTEGER AS quantity,
  CASE WHEN hash(i, 4) % 50 <> 0 THEN 'user' || (hash(i, 5) % 400000) || '@example.com' END AS email,
  DATE '2024-01-01' + (hash(i, 6) % 366)::INTEGER AS ordered_on,
  TIMESTAMP '2024-01-01' + INTERVAL (hash(i, 7) % 31000000) SECOND AS updated_at
FROM range(${rows}) t(i)`

/** All of them hold on the table. */
export const TWENTY_RULES: readonly string[] = [
  'RowCount > 0',
  'ColumnCount = 8',
  'IsComplete "order_id"',
  'IsUnique "order_id"',
  'ColumnLength "order_id" = 11',
  'ColumnValues "order_id" matches "O[0-9]{10}"',
  'IsComplete "customer_id"',
  'ColumnValues "state" in ["new", "paid", "packed", "shipped", "returned"]',
  'DistinctValuesCount "state" = 5',
  'Entropy "state" > 1',
  'ColumnValues "amount" >= 0',
  'Mean "amount" between 4000 and 6000',
  'StandardDeviation "amount" < 5000',
  'ColumnValues "quantity" between 0 and 101',
  'Sum "quantity" > 0',
  'ColumnCorrelation "amount" "quantity" < 0.5',
  'Completeness "email" > 0.9',
  'ColumnLength "email" <= 24 where "email is not null"',
  'ColumnValues "ordered_on" >= "2024-01-01"',
  'ColumnValues "updated_at" < "2026-01-01"',
]

/** What the twenty rules need, as one would write it by hand. */
export const statementFor = (file: string): string => `SELECT count(*), count(order_id), count(DISTINCT order_id),
  min(length(order_id)), max(length(order_id)), count_if(regexp_full_match(order_id, 'O[0-9]{10}')), count(customer_id),
  count_if(state IN ('new', 'paid', 'packed', 'shipped', 'returned')), count(DISTINCT state), entropy(state) * ln(2),
  min(amount), count(amount), avg(amount), stddev_pop(amount), min(quantity), max(quantity), count(quantity), sum(quantity),
  corr(amount, quantity), count(email), max(length(email)), count_if(ordered_on >= DATE '2024-01-01'),
  count_if(updated_at < TIMESTAMP '2026-01-01') FROM read_parquet('${file}')`

/** 131 rules over the same columns: the twenty, and their like with other operands. */
export const manyRules = (): readonly string[] => {
  const variants = Array.from({ length: 20 }, (_, index) => index + 1).flatMap((step) => [
    `ColumnValues "amount" < ${10_000 + step}`,
    `Completeness "email" > ${(0.9 + step / 1000).toFixed(3)}`,
    `ColumnValues "quantity" in [${Array.from({ length: 100 }, (_, value) => value + 1).join(', ')}, ${100 + step}]`,
    `Mean "quantity" between ${step} and ${90 + step}`,
    `ColumnValues "state" != "state ${step}"`,
    `ColumnValues "ordered_on" > "2023-12-${String(10 + (step % 20)).padStart(2, '0')}"`,
  ])
  return [...TWENTY_RULES, ...variants].slice(0, 131)
}

export const rulesetOf = (rules: readonly string[]): string => `Rules = [\n  ${rules.join(',\n  ')}\n]\n`
