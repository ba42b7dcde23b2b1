import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { distance } from 'fastest-levenshtein'
import { isNode, LineCounter, parseDocument } from 'yaml'
import type { FaultPlace } from './errors.ts'

/** One thing wrong with a file that people write; a file can have several. */
export interface FileProblem {
  readonly code: string
  readonly message: string
  readonly where: FaultPlace
  readonly expected?: string
  readonly found?: string
}

/** YAML text with the place of every value. */
export interface YamlDocument {
  readonly value: unknown
  readonly problems: readonly FileProblem[]
  /** Where the value at a path of keys and positions stands; the nearest parent's place if it is missing. */
  place(path: readonly (string | number)[]): FaultPlace
}

const pointer = (path: readonly (string | number)[]): string => `/${path.join('/')}`

export function readYaml(text: string, file: string): YamlDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const place = (path: readonly (string | number)[]): FaultPlace => {
    for (let depth = path.length; depth >= 0; depth -= 1) {
      const node = depth === 0 ? document.contents : document.getIn(path.slice(0, depth), true)
      if (isNode(node) && node.range) {
        const { line, col } = lines.linePos(node.range[0])
        return { file, line, column: col, path: pointer(path) }
      }
    }
    return { file, line: 1, column: 1, path: pointer(path) }
  }
  const problems = document.errors.map((error): FileProblem => {
    const { line, col } = lines.linePos(error.pos[0])
    return { code: 'invalid_yaml', message: error.message, where: { file, line, column: col } }
  })
  return { value: problems.length === 0 ? document.toJS() : undefined, problems, place }
}

const ajv = new Ajv({ allErrors: true, strict: true, verbose: true })
const compiled = new Map<object, ValidateFunction>()

const validatorOf = (schema: object): ValidateFunction => {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const validate = ajv.compile(schema)
  compiled.set(schema, validate)
  return validate
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 77)}…` : text
}

/** The nearest of the known words, if it is near enough to be a slip of the pen. */
export function nearestOf(word: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, steps: distance(word, candidate) }))
    .sort((a, b) => a.steps - b.steps)
  const best = ranked[0]
  return best !== undefined && best.steps <= Math.max(2, Math.floor(word.length / 3)) ? best.candidate : null
}

const knownKeys = (error: ErrorObject): string[] =>
  Object.keys((error.parentSchema?.properties as object | undefined) ?? {})

/** What stands at fault: of an unknown member its name, of a missing one nothing, else the value. */
function foundBy(error: ErrorObject): string {
  if (error.keyword === 'additionalProperties') return shown(error.params.additionalProperty)
  return error.keyword === 'required' ? 'nothing' : shown(error.data)
}

function describe(error: ErrorObject): { message: string; expected: string } {
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params.additionalProperty)
    const nearest = nearestOf(key, knownKeys(error))
    return {
      message: `Unknown key "${key}"${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
      expected: `one of ${knownKeys(error).join(', ')}`,
    }
  }
  if (error.keyword === 'required')
    return {
      message: `Missing key "${String(error.params.missingProperty)}"`,
      expected: `key "${String(error.params.missingProperty)}"`,
    }
  if (error.keyword === 'enum') {
    const allowed = (error.schema as unknown[]).map(String)
    const nearest = typeof error.data === 'string' ? nearestOf(error.data, allowed) : null
    return {
      message: `${shown(error.data)} is not known here${nearest === null ? '' : `; did you mean "${nearest}"?`}`,
      expected: `one of ${allowed.join(', ')}`,
    }
  }
  return {
    message: `${shown(error.data)} ${error.message ?? 'is not valid'}`,
    expected: error.message ?? error.keyword,
  }
}

const pathOf = (error: ErrorObject): (string | number)[] => {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  return error.keyword === 'additionalProperties' ? [...path, String(error.params.additionalProperty)] : path
}

/** Alternatives report each of their branches; what a branch says of a value's own members is kept, the rest says nothing more. */
const telling = (errors: readonly ErrorObject[]): ErrorObject[] => {
  const inner = errors.filter((error) => error.keyword !== 'anyOf' && error.keyword !== 'oneOf')
  const deepest = (error: ErrorObject): boolean =>
    !inner.some(
      (other) =>
        other !== error &&
        other.instancePath === error.instancePath &&
        other.keyword === 'additionalProperties' &&
        error.keyword !== 'additionalProperties',
    )
  return inner.filter(deepest)
}

/** Every way in which a document does not fit a JSON Schema, with its place. */
export function checkAgainstSchema(document: YamlDocument, schema: object): FileProblem[] {
  const validate = validatorOf(schema)
  if (validate(document.value)) return []
  return telling(validate.errors ?? []).map((error): FileProblem => {
    const path = pathOf(error)
    const { message, expected } = describe(error)
    return { code: 'schema_violation', message, where: document.place(path), expected, found: foundBy(error) }
  })
}
