import type { Contract } from '../../core/contract.ts'
import type { Mapping } from '../../core/mapping.ts'
import { checkDelimited } from './check-delimited.ts'
import { checkJson } from './check-json.ts'
import { type Refusal, refusal } from './refusal.ts'
import type { SeenColumns, TextSample } from './text-sample.ts'

/** Holds the text of a sample against contract and mapping. */
export function checkText(sample: TextSample, contract: Contract, mapping: Mapping): SeenColumns | Refusal {
  if (sample.beginning.trim() === '')
    return refusal('empty_sample', 'The content holds nothing but blanks and line ends')
  const { format } = mapping.input
  const isJson = format === 'json_lines' || format === 'json_array'
  return isJson ? checkJson(sample, contract, mapping) : checkDelimited(sample, contract, mapping)
}
