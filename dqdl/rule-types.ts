import type { Condition } from './ast.ts'

export type ConditionKind = Condition['kind']

/** One form of a rule type; a type with several forms differs by its number of parameters. */
export interface RuleForm {
  readonly type: string
  readonly minParameters: number
  readonly maxParameters: number
  /** The kinds of condition it takes; empty for boolean types. */
  readonly conditions: readonly ConditionKind[]
  /** The condition may be left out. */
  readonly conditionOptional: boolean
  readonly where: boolean
  readonly threshold: boolean
  readonly analyzerOnly: boolean
  /** What the parameters name, for linting and completion; the last one repeats. */
  readonly parameters: readonly ParameterKind[]
}
export type ParameterKind =
  | 'column'
  | 'columns'
  | 'alias'
  | 'pattern'
  | 'sql'
  | 'aggregate'
  | 'metric'
  | 'path'
  | 'reference'

type Traits = Partial<Omit<RuleForm, 'type' | 'minParameters' | 'maxParameters' | 'parameters'>>
const MANY = Number.MAX_SAFE_INTEGER

const form = (
  type: string,
  [minParameters, maxParameters]: readonly [number, number],
  parameters: readonly ParameterKind[],
  traits: Traits,
): RuleForm => ({
  type,
  minParameters,
  maxParameters,
  parameters,
  conditions: [],
  conditionOptional: false,
  where: false,
  threshold: false,
  analyzerOnly: false,
  ...traits,
})
const NUMBER = { conditions: ['number'] } as const
const MEASURED = { ...NUMBER, where: true } as const

/** Every rule type and analyzer of the reference parser (DQDL 1.0.3 with Variance). */
export const RULE_FORMS: readonly RuleForm[] = [
  form('RowCount', [0, 0], [], MEASURED),
  form('RowCountMatch', [1, 1], ['alias'], NUMBER),
  form('ColumnCount', [0, 0], [], NUMBER),
  form('ColumnExists', [1, 1], ['column'], {}),
  form('ColumnNamesMatchPattern', [1, 1], ['pattern'], {}),
  form('Completeness', [1, 1], ['column'], MEASURED),
  form('IsComplete', [1, 1], ['column'], { where: true }),
  form('Uniqueness', [1, MANY], ['column'], MEASURED),
  form('IsUnique', [1, MANY], ['column'], { where: true }),
  form('UniqueValueRatio', [1, 1], ['column'], MEASURED),
  form('DistinctValuesCount', [1, 1], ['column'], MEASURED),
  form('IsPrimaryKey', [1, MANY], ['column'], { where: true }),
  form('Mean', [1, 1], ['column'], MEASURED),
  form('Sum', [1, 1], ['column'], MEASURED),
  form('StandardDeviation', [1, 1], ['column'], MEASURED),
  form('Variance', [1, 1], ['column'], MEASURED),
  form('Entropy', [1, 1], ['column'], MEASURED),
  form('ColumnCorrelation', [2, 2], ['column'], MEASURED),
  form('ColumnLength', [1, 1], ['column'], MEASURED),
  form('ColumnValues', [1, 1], ['column'], { conditions: ['text', 'number', 'date'], where: true, threshold: true }),
  form('ColumnDataType', [1, 1], ['column'], { conditions: ['text'], where: true, threshold: true }),
  form('DataFreshness', [1, 1], ['column'], { conditions: ['duration'], where: true }),
  form('CustomSql', [1, 1], ['sql'], { conditions: ['number'], conditionOptional: true, threshold: true }),
  form('ReferentialIntegrity', [2, 2], ['columns', 'reference'], NUMBER),
  form('DatasetMatch', [2, 3], ['alias', 'columns'], NUMBER),
  form('SchemaMatch', [1, 1], ['alias'], NUMBER),
  form('AggregateMatch', [2, 2], ['aggregate'], NUMBER),
  form('DetectAnomalies', [1, MANY], ['metric', 'column'], {}),
  form('FileMatch', [2, 2], ['path'], {}),
  form('FileMatch', [0, 1], ['path'], { conditions: ['text'] }),
  form('FileUniqueness', [0, 1], ['path'], NUMBER),
  form('FileFreshness', [0, 1], ['path'], { conditions: ['date'], threshold: true }),
  form('FileSize', [0, 1], ['path'], { conditions: ['size'], threshold: true }),
  form('AllStatistics', [1, 1], ['column'], { ...NUMBER, analyzerOnly: true }),
]

export const RULE_TYPES: readonly string[] = [
  ...new Set(RULE_FORMS.filter((each) => !each.analyzerOnly).map(({ type }) => type)),
]
export const ANALYZER_TYPES: readonly string[] = [
  ...new Set(RULE_FORMS.filter((each) => each.conditions.length > 0).map(({ type }) => type)),
]

const FORMS_OF = new Map<string, RuleForm[]>()
for (const each of RULE_FORMS) FORMS_OF.set(each.type, [...(FORMS_OF.get(each.type) ?? []), each])

/** The forms of a type, whatever the number of parameters; empty for an unknown type. */
export const formsOf = (type: string): readonly RuleForm[] => FORMS_OF.get(type) ?? []

export const formOf = (type: string, parameterCount: number): RuleForm | undefined =>
  formsOf(type).find((each) => parameterCount >= each.minParameters && parameterCount <= each.maxParameters)
