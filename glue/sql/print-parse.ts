import { printColumnType } from '../../core/column-type.ts'
import type { InputFormat } from '../../core/mapping.ts'
import type { Check, FieldPlan, IntermediateForm, RejectCode, TextOperator } from '../intermediate.ts'
import type { Framing } from '../program.ts'
import { isOneOf, name, text } from './literals.ts'
import { printConversion, printQuickValue, refusesOuterSpace } from './print-conversion.ts'
import { printReader, sourceColumn } from './print-reader.ts'
import { printTextOperator, printTrim } from './print-text-operator.ts'

/** A value in an error is cut to this many characters. */
const MAX_ERROR_VALUE = 256

const NO_TEXT = 'NULL::VARCHAR'

const textColumn = (index: number): string => `t${index}`
const valueColumn = (index: number): string => `v${index}`
const failureColumn = (index: number): string => `x${index}`

const isJson = (format: InputFormat): boolean => format === 'json_lines' || format === 'json_array'

/** A trim right before a conversion that refuses white space is done only for texts that were refused. */
const trimsLate = (field: FieldPlan): boolean =>
  field.text.at(-1)?.name === 'trim' && refusesOuterSpace(field.conversion)

/** Operators that print SQL of their own; `concat` is how sources become one text. */
const operatorsOf = (field: FieldPlan): readonly TextOperator[] =>
  (trimsLate(field) ? field.text.slice(0, -1) : field.text).filter(({ name }) => name !== 'concat')

/** The text that is converted, after all operators. */
const finalText = (field: FieldPlan, index: number): string =>
  trimsLate(field) ? printTrim(textColumn(index)) : textColumn(index)

function printValue(field: FieldPlan, index: number): string {
  const direct = printQuickValue(field.conversion, textColumn(index))
  if (!trimsLate(field)) return direct
  const trimmed = printConversion(field.conversion, printTrim(textColumn(index))).value
  return `coalesce(${direct}, CASE WHEN ${textColumn(index)} IS NOT NULL THEN ${trimmed} END)`
}

function firstText(field: FieldPlan, nullValues: readonly string[]): string {
  const present = field.sources
    .filter((source): source is number => source !== null)
    .map((index) => {
      const column = sourceColumn(index)
      return nullValues.length === 0 ? column : `CASE WHEN ${isOneOf(column, nullValues)} THEN NULL ELSE ${column} END`
    })
  const concat = field.text.find((operator) => operator.name === 'concat')
  if (present.length === 0) return NO_TEXT
  if (concat?.name === 'concat') return `nullif(concat_ws(${text(concat.separator)}, ${present.join(', ')}), '')`
  return present[0] ?? NO_TEXT
}

const sourceOf = (field: FieldPlan, index: number): string => {
  const [only] = field.sources
  return field.sources.length === 1 && only !== null && only !== undefined ? sourceColumn(only) : textColumn(index)
}

interface Layer {
  readonly sql: string
  /** Fields that may have failed in a text operator. */
  readonly failing: ReadonlySet<number>
}

/** One SELECT for the k-th text operator of all fields, so that an operator sees a plain column and prints it at will. */
function printTextLayer(layer: Layer, form: IntermediateForm, depth: number, passed: string): Layer {
  const failing = new Set(layer.failing)
  const columns = form.fields.flatMap((field, index) => {
    const column = textColumn(index)
    const operator = operatorsOf(field)[depth]
    const kept = layer.failing.has(index) ? [failureColumn(index)] : []
    if (operator === undefined) return [column, ...kept]
    const printed = printTextOperator(operator, column)
    const value = `${printed.value} AS ${column}`
    if (printed.failure === null) return [value, ...kept]
    failing.add(index)
    const earlier = layer.failing.has(index)
      ? `WHEN ${failureColumn(index)} IS NOT NULL THEN ${failureColumn(index)} `
      : ''
    const failure = `CASE ${earlier}WHEN ${printed.failure.when} THEN ${text(printed.failure.code)} END AS ${failureColumn(index)}`
    return [value, failure]
  })
  return { sql: `SELECT ${passed}, ${columns.join(', ')} FROM (${layer.sql})`, failing }
}

function checkFails(
  check: Check,
  index: number,
  field: FieldPlan,
): { readonly when: string; readonly code: RejectCode } {
  const textual = field.type.kind === 'string' || field.type.kind === 'json'
  const column = textual ? valueColumn(index) : `CAST(${valueColumn(index)} AS VARCHAR)`
  switch (check.name) {
    case 'length': {
      const bytes = check.maxCharacters * 4 > check.maxBytes ? ` OR strlen(${column}) > ${check.maxBytes}` : ''
      return { when: `length(${column}) > ${check.maxCharacters}${bytes}`, code: 'value_too_long' }
    }
    case 'pattern':
      return { when: `NOT regexp_full_match(${column}, ${text(check.pattern)})`, code: 'pattern_mismatch' }
    case 'values':
      return { when: `NOT ${isOneOf(column, check.values)}`, code: 'not_in_values' }
  }
}

/** What makes a row a reject, per field: conditions with the code they give (SQL) and the message. */
interface Fault {
  readonly when: string
  readonly code: string
  readonly value: string
  readonly message: string
}

function faultsOf(field: FieldPlan, index: number, failing: ReadonlySet<number>): readonly Fault[] {
  const [t, v, x] = [finalText(field, index), valueColumn(index), failureColumn(index)]
  const value = sourceOf(field, index)
  const type = printColumnType(field.type)
  const failed = failing.has(index)
  const notFailed = failed ? `${x} IS NULL AND ` : ''
  const faults: Fault[] = []
  if (failed) faults.push({ when: `${x} IS NOT NULL`, code: x, value, message: `expected a known value for ${type}` })
  if (field.required)
    faults.push({
      when: `${notFailed}${t} IS NULL`,
      code: text('required_missing'),
      value,
      message: `expected ${type}`,
    })
  if (field.conversion.name !== 'keep_text' && field.misfit === 'reject')
    faults.push({
      when: `${v} IS NULL AND ${t} IS NOT NULL`,
      code: printConversion(field.conversion, t).code,
      value,
      message: `expected ${type}`,
    })
  for (const check of field.checks) {
    const { when, code } = checkFails(check, index, field)
    const expected =
      check.name === 'length'
        ? type
        : check.name === 'pattern'
          ? `text matching ${check.pattern}`
          : `one of ${check.values.slice(0, 10).join(', ')}`
    faults.push({ when, code: text(code), value, message: `expected ${expected}` })
  }
  return faults
}

/** One error as JSON text, NULL where the condition does not hold. */
function printError(target: string | null, { when, code, value, message }: Fault): string {
  const column = target === null ? 'null' : JSON.stringify(target)
  const found = `coalesce(CAST(to_json(left(${value}, ${MAX_ERROR_VALUE})) AS VARCHAR), 'null')`
  const parts = [
    text('{"code":"'),
    code,
    text(`","column":${column},"value":`),
    found,
    text(`,"message":${JSON.stringify(message.slice(0, 300))}}`),
  ]
  return `CASE WHEN ${when} THEN ${parts.join(' || ')} END`
}

/** Columns kept in `_rescued`: those no rule consumes, and the texts of values that did not fit an optional column. */
function printRescued(form: IntermediateForm, format: InputFormat): string {
  const misfits = form.fields.flatMap((field, index) => {
    if (field.misfit !== 'rescue' || field.conversion.name === 'keep_text') return []
    const [source] = field.sources
    const key = source === null || source === undefined ? field.target : (form.sourceColumns[source] ?? field.target)
    const misfit = `${valueColumn(index)} IS NULL AND ${finalText(field, index)} IS NOT NULL`
    return [{ when: `(${misfit})`, pair: `${text(key)}, CASE WHEN ${misfit} THEN ${sourceOf(field, index)} END` }]
  })
  if (isJson(format) && form.additive === 'rescue') return printRescuedJson(form, misfits)
  const columns = form.rescued.map((index) => ({
    when: `${sourceColumn(index)} IS NOT NULL`,
    pair: `${text(form.sourceColumns[index] ?? '')}, ${sourceColumn(index)}`,
  }))
  const parts = [...columns, ...misfits]
  if (parts.length === 0) return NO_TEXT
  const object = `json_object(${parts.map(({ pair }) => pair).join(', ')})`
  return `CASE WHEN ${parts.map(({ when }) => when).join(' OR ')} THEN CAST(json_merge_patch('{}', ${object}) AS VARCHAR) END`
}

/** Of a JSON record everything stays that no field consumes, members that the sample did not show included. */
function printRescuedJson(form: IntermediateForm, misfits: readonly { readonly pair: string }[]): string {
  const consumed = new Set(form.fields.flatMap(({ sources }) => sources))
  const taken = form.sourceColumns.filter((source, index) => consumed.has(index) && !source.startsWith('$'))
  const drop = taken.map((source) => `${text(source)}, NULL`)
  const rest = `json_merge_patch(doc, json_object(${drop.join(', ')}))`
  const kept =
    misfits.length === 0
      ? rest
      : `json_merge_patch(${rest}, json_merge_patch('{}', json_object(${misfits.map(({ pair }) => pair).join(', ')})))`
  return `nullif(CAST(${kept} AS VARCHAR), '{}')`
}

const printRaw = (form: IntermediateForm, format: InputFormat): string =>
  isJson(format)
    ? 'line'
    : `CAST(json_object(${form.sourceColumns.map((column, index) => `${text(column)}, ${sourceColumn(index)}`).join(', ')}) AS VARCHAR)`

/** Cheap conditions, one of which holds for every row with a fault; a row for which one holds may still have none. */
function suspicionsOf(field: FieldPlan, index: number, failing: ReadonlySet<number>): readonly string[] {
  const [t, v] = [textColumn(index), valueColumn(index)]
  const misfits = field.conversion.name !== 'keep_text' && field.misfit === 'reject'
  return [
    ...(failing.has(index) ? [`${failureColumn(index)} IS NOT NULL`] : []),
    ...(field.required ? [`${v} IS NULL`] : misfits ? [`(${v} IS NULL AND ${t} IS NOT NULL)`] : []),
    // A text has no more characters than bytes, and bytes need no counting.
    ...field.checks.map((check) =>
      check.name === 'length'
        ? `strlen(${v}) > ${Math.min(check.maxCharacters, check.maxBytes)}`
        : `(${checkFails(check, index, field).when})`,
    ),
  ]
}

function printFinal(form: IntermediateForm, format: InputFormat, { sql, failing }: Layer): string {
  const faults = form.fields.flatMap((field, index) =>
    faultsOf(field, index, failing).map((fault) => ({ target: field.target, fault })),
  )
  const tooLong = {
    when: 'strlen(_rescued) > 65535',
    code: text('value_too_long'),
    value: '_rescued',
    message: 'expected at most 65535 bytes',
  }
  const listed = [...faults.map(({ target, fault }) => printError(target, fault)), printError('_rescued', tooLong)]
  const noObject = {
    when: 'doc IS NULL',
    code: text('malformed_json'),
    value: 'line',
    message: 'expected a JSON object',
  }
  const notJson = isJson(format) ? `WHEN doc IS NULL THEN '[' || ${printError(null, noObject)} || ']' ` : ''
  const suspicions = form.fields.flatMap((field, index) => suspicionsOf(field, index, failing))
  const rescued = printRescued(form, format)
  const suspect = [...suspicions, ...(rescued === NO_TEXT ? [] : [tooLong.when])]
  const list = `'[' || nullif(concat_ws(',', ${listed.join(', ')}), '') || ']'`
  const cases = `${notJson}${suspect.length === 0 ? '' : `WHEN ${suspect.join(' OR ')} THEN ${list}`}`
  const errors = cases === '' ? NO_TEXT : `CASE ${cases} END`
  const columns = form.fields.map(({ target }, index) => `${valueColumn(index)} AS ${name(target)}`)
  const inner = `SELECT *, ${errors} AS _errors FROM (SELECT *, ${rescued} AS _rescued FROM (${sql}))`
  const raw = `CASE WHEN _errors IS NOT NULL THEN ${printRaw(form, format)} END`
  return `SELECT ${[...columns, '_rescued', '_errors'].join(', ')}, ${raw} AS _raw FROM (${inner})`
}

/** The SELECT that turns the records of one input or split into typed rows with their errors, in input order. */
export function printParse(form: IntermediateForm, format: InputFormat, framing: Framing | null): string {
  const passed = [
    ...(isJson(format) ? ['line', 'doc'] : []),
    ...form.sourceColumns.map((_, index) => sourceColumn(index)),
  ]
  const through = passed.join(', ')
  const first = form.fields.map((field, index) => `${firstText(field, form.nullValues)} AS ${textColumn(index)}`)
  const reader = printReader(format, framing, form.sourceColumns)
  let layer: Layer = { sql: `SELECT ${through}, ${first.join(', ')} FROM (${reader})`, failing: new Set() }
  const depth = Math.max(0, ...form.fields.map((field) => operatorsOf(field).length))
  for (let level = 0; level < depth; level++) layer = printTextLayer(layer, form, level, through)
  const values = form.fields.map((field, index) => `${printValue(field, index)} AS ${valueColumn(index)}`)
  return printFinal(form, format, { ...layer, sql: `SELECT *, ${values.join(', ')} FROM (${layer.sql})` })
}
