import type { Contract } from '../core/contract.ts'
import { SluiceError } from '../core/errors.ts'
import type { Mapping } from '../core/mapping.ts'
import { type FileProblem, readYaml } from '../core/yaml-document.ts'
import { buildIntermediate } from './build-intermediate.ts'
import { grammarOfFormat } from './sql/time-format.ts'

/**
 * What no plan can be compiled from: transforms that do not lead to their column's type, and time formats with letters that
 * are not in the list. Each field is tried by itself,
 * on a file that has every column the mapping names.
 *
 * @param text of the mapping's file, for line and column of each problem
 */
export function checkMappingTypes(mapping: Mapping, contract: Contract, text: string, file: string): FileProblem[] {
  const document = readYaml(text, file)
  return mapping.fields.flatMap((field, index): FileProblem[] => {
    const columns = contract.columns.filter(({ name }) => name === field.target)
    try {
      buildIntermediate({ ...contract, columns }, { ...mapping, fields: [field] }, field.sources)
      for (const step of field.transforms) if ('format' in step) grammarOfFormat(step.format)
      return []
    } catch (thrown) {
      if (!(thrown instanceof SluiceError)) throw thrown
      const { code, message, expected, found } = thrown
      const where = document.place(['fields', index, 'transform'])
      return [{ code, message, where, ...(expected && { expected }), ...(found && { found }) }]
    }
  })
}
