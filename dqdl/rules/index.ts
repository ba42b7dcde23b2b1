import type { RuleCompiler } from '../compiled-rule.ts'
import {
  columnCorrelation,
  completeness,
  entropy,
  isComplete,
  mean,
  standardDeviation,
  sum,
  variance,
} from './column-statistics.ts'
import { customSql } from './custom-sql.ts'
import { columnCount, columnExists, columnNamesMatchPattern, rowCount } from './dataset.ts'
import { dataFreshness } from './freshness.ts'
import { aggregateMatch, datasetMatch, referentialIntegrity, rowCountMatch, schemaMatch } from './references.ts'
import { distinctValuesCount, isPrimaryKey, isUnique, uniqueness, uniqueValueRatio } from './uniqueness.ts'
import { columnDataType, columnLength, columnValues } from './values.ts'

/** How each rule type becomes SQL; a type that is not here is ERROR. */
export const RULE_COMPILERS: Readonly<Record<string, RuleCompiler>> = {
  RowCount: rowCount,
  ColumnCount: columnCount,
  ColumnExists: columnExists,
  ColumnNamesMatchPattern: columnNamesMatchPattern,
  Completeness: completeness,
  IsComplete: isComplete,
  Uniqueness: uniqueness,
  IsUnique: isUnique,
  UniqueValueRatio: uniqueValueRatio,
  DistinctValuesCount: distinctValuesCount,
  IsPrimaryKey: isPrimaryKey,
  Mean: mean,
  Sum: sum,
  StandardDeviation: standardDeviation,
  Variance: variance,
  ColumnLength: columnLength,
  ColumnValues: columnValues,
  ColumnDataType: columnDataType,
  CustomSql: customSql,
  Entropy: entropy,
  ColumnCorrelation: columnCorrelation,
  DataFreshness: dataFreshness,
  ReferentialIntegrity: referentialIntegrity,
  RowCountMatch: rowCountMatch,
  SchemaMatch: schemaMatch,
  AggregateMatch: aggregateMatch,
  DatasetMatch: datasetMatch,
}
