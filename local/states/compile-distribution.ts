import { isJsonObject, type Json } from '../../core/json.ts'
import type { FieldReader } from './compile-fields.ts'
import { MAX_PAYLOAD_BYTES } from './evaluation.ts'
import type { Distribution, ItemBatcher, ItemReader, ResultWriter } from './machine.ts'

const DISTRIBUTED_ONLY = ['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label'] as const
const MAX_ITEMS = 100_000_000
const INPUT_TYPES = ['CSV', 'JSON', 'JSONL', 'PARQUET', 'MANIFEST']

/** What a Map state says about being distributed; `null` for an inline one. */
export function compileDistribution(fields: FieldReader, processor: FieldReader): Distribution | null {
  const config = processor.object('ProcessorConfig')
  const mode = config?.text('Mode') ?? 'INLINE'
  if (mode !== 'INLINE' && mode !== 'DISTRIBUTED') config?.fault('Mode must be one of INLINE, DISTRIBUTED', 'Mode')
  if (mode !== 'DISTRIBUTED') {
    for (const field of DISTRIBUTED_ONLY)
      if (fields.source[field] !== undefined) fields.fault(`Field '${field}' needs a DISTRIBUTED processor`, field)
    // Accepted in an inline Map, without effect.
    tolerance(fields)
    return null
  }
  return {
    executionType: executionType(config),
    label: label(fields),
    reader: reader(fields.object('ItemReader')),
    batcher: batcher(fields.object('ItemBatcher')),
    writer: writer(fields.object('ResultWriter')),
    ...tolerance(fields),
    definition: childDefinition(processor.source),
  }
}

const tolerance = (fields: FieldReader) => ({
  toleratedFailureCount: fields.integerTemplate('ToleratedFailureCount', 0, Number.MAX_SAFE_INTEGER),
  toleratedFailurePercentage: fields.numberTemplate('ToleratedFailurePercentage', 0, 100),
})

function childDefinition(processor: Record<string, unknown>): Json {
  const { StartAt, States, Comment } = processor
  return { QueryLanguage: 'JSONata', Comment, StartAt, States } as Json
}

function executionType(config: FieldReader | null): 'STANDARD' | 'EXPRESS' {
  const type = config?.text('ExecutionType') ?? 'STANDARD'
  if (type === 'STANDARD' || type === 'EXPRESS') return type
  config?.fault('ExecutionType must be one of STANDARD, EXPRESS', 'ExecutionType')
  return 'STANDARD'
}

function label(fields: FieldReader): string | null {
  const text = fields.text('Label')
  if (text !== null && !/^[^\s*?<>{}[\]:;,\\|^~$#%&`"]{1,40}$/.test(text))
    fields.fault('Label has at most 40 characters, without white space and special characters', 'Label')
  return text
}

function reader(fields: FieldReader | null): ItemReader | null {
  if (fields === null) return null
  const action = readerAction(fields.text('Resource'))
  const args = fields.template('Arguments', [])
  if (action === null) fields.fault('Resource must be s3:getObject or s3:listObjectsV2', 'Resource')
  if (args === null) fields.fault("The field 'Arguments' is required but was missing", 'Arguments')
  const config = fields.object('ReaderConfig')
  const maxItems = config?.integerTemplate('MaxItems', 0, MAX_ITEMS) ?? null
  const inputType = config?.text('InputType') ?? null
  if (action === 'getObject' && (inputType === null || !INPUT_TYPES.includes(inputType)))
    (config ?? fields).fault(`InputType must be one of ${INPUT_TYPES.join(', ')}`, 'InputType')
  if (action === null || args === null) return null
  return {
    action,
    arguments: args,
    config: (isJsonObject(config?.source) ? config.source : {}) as Json,
    maxItems,
  }
}

function readerAction(resource: string | null): ItemReader['action'] | null {
  if (resource === 'arn:aws:states:::s3:getObject') return 'getObject'
  return resource === 'arn:aws:states:::s3:listObjectsV2' ? 'listObjectsV2' : null
}

function batcher(fields: FieldReader | null): ItemBatcher | null {
  if (fields === null) return null
  const maxItemsPerBatch = fields.integerTemplate('MaxItemsPerBatch', 1, Number.MAX_SAFE_INTEGER)
  const maxInputBytesPerBatch = fields.integerTemplate('MaxInputBytesPerBatch', 1, MAX_PAYLOAD_BYTES)
  if (maxItemsPerBatch === null && maxInputBytesPerBatch === null)
    fields.fault("At least one of 'MaxItemsPerBatch' and 'MaxInputBytesPerBatch' is required", 'MaxItemsPerBatch')
  return { maxItemsPerBatch, maxInputBytesPerBatch, batchInput: fields.template('BatchInput', []) }
}

function writer(fields: FieldReader | null): ResultWriter | null {
  if (fields === null) return null
  const config = fields.object('WriterConfig')
  // Without a place to write to, the results are the state's own and bare.
  const inPlace = fields.text('Resource') === null
  const transformation = config?.text('Transformation') ?? (inPlace ? 'COMPACT' : 'NONE')
  const outputType = config?.text('OutputType') ?? 'JSON'
  if (transformation !== 'NONE' && transformation !== 'COMPACT' && transformation !== 'FLATTEN') {
    config?.fault('Transformation must be one of NONE, COMPACT, FLATTEN', 'Transformation')
    return null
  }
  if (outputType !== 'JSON' && outputType !== 'JSONL') {
    config?.fault('OutputType must be one of JSON, JSONL', 'OutputType')
    return null
  }
  return { arguments: fields.template('Arguments', []), transformation, outputType }
}
