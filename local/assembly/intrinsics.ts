/** CloudFormation's intrinsic functions over JSON values. */
import { messageOf, SluiceError } from '../../core/errors.ts'
import { isJsonObject } from '../../core/json.ts'

/** What names mean inside one stack. Each throws for a name that is not there. */
export interface Scope {
  ref(logicalId: string): unknown
  attribute(logicalId: string, name: string): unknown
  imported(exportName: string): unknown
  condition(name: string): boolean
  mapping(map: string, top: string, second: string): unknown
  readonly region: string
}

/** The value of `AWS::NoValue`: the member or item that holds it is left out. */
export const NO_VALUE: unique symbol = Symbol('AWS::NoValue')

const fail = (message: string): never => {
  throw new SluiceError('assembly_invalid', message)
}

/**
 * @param path where the value stands, for messages
 * @throws SluiceError `assembly_invalid` for an unknown function, a wrong argument or an unknown name
 */
export function resolveValue(value: unknown, scope: Scope, path: string): unknown {
  if (Array.isArray(value)) {
    return value
      .map((item, index) => resolveValue(item, scope, `${path}[${index}]`))
      .filter((item) => item !== NO_VALUE)
  }
  if (!isJsonObject(value)) return value
  const members = Object.entries(value)
  const [only] = members
  if (members.length === 1 && only !== undefined && isIntrinsic(only[0])) {
    return applyIntrinsic(only[0], only[1], scope, `${path}.${only[0]}`)
  }
  const resolved = members.map(([name, member]) => [name, resolveValue(member, scope, `${path}.${name}`)] as const)
  return Object.fromEntries(resolved.filter(([, member]) => member !== NO_VALUE))
}

const isIntrinsic = (name: string): boolean => name === 'Ref' || name === 'Condition' || name.startsWith('Fn::')

function applyIntrinsic(name: string, argument: unknown, scope: Scope, path: string): unknown {
  const intrinsic = INTRINSICS[name]
  // `{"Condition": {…}}` is also the member of an IAM statement.
  if (name === 'Condition' && isJsonObject(argument)) return { Condition: resolveValue(argument, scope, path) }
  if (intrinsic === undefined) return fail(`Cannot resolve ${path}: the function "${name}" is not supported`)
  try {
    return intrinsic(argument, scope, path)
  } catch (cause) {
    if (cause instanceof SluiceError && cause.where?.path !== undefined) throw cause
    throw new SluiceError('assembly_invalid', `Cannot resolve ${path}: ${messageOf(cause)}`, { where: { path }, cause })
  }
}

type Intrinsic = (argument: unknown, scope: Scope, path: string) => unknown

const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  Ref: (argument, scope) => scope.ref(textOf(argument, 'Ref')),
  Condition: (argument, scope) => scope.condition(textOf(argument, 'Condition')),
  'Fn::GetAtt': (argument, scope) => {
    const parts = typeof argument === 'string' ? splitOnce(argument) : listOf(argument, 'Fn::GetAtt')
    return scope.attribute(textOf(parts[0], 'Fn::GetAtt'), textOf(parts[1], 'Fn::GetAtt'))
  },
  'Fn::Join': (argument, scope, path) => {
    const [separator, items] = listOf(argument, 'Fn::Join')
    return resolvedList(items, scope, path)
      .map((item) => textOf(item, 'Fn::Join'))
      .join(textOf(separator, 'Fn::Join'))
  },
  'Fn::Sub': (argument, scope, path) => {
    const [template, variables] = Array.isArray(argument) ? argument : [argument, {}]
    const local = isJsonObject(variables) ? variables : {}
    return textOf(template, 'Fn::Sub').replace(/\$\{(!?)([^}]+)\}/g, (_, literal: string, name: string) => {
      if (literal === '!') return `\${${name}}`
      if (name in local) return textOf(resolveValue(local[name], scope, path), 'Fn::Sub')
      const [logicalId, attribute] = splitOnce(name)
      const value = attribute === undefined ? scope.ref(name) : scope.attribute(logicalId, attribute)
      return textOf(value, 'Fn::Sub')
    })
  },
  'Fn::Select': (argument, scope, path) => {
    const [index, items] = listOf(argument, 'Fn::Select')
    const list = resolvedList(items, scope, path)
    const position = Number(resolveValue(index, scope, path))
    return position in list ? list[position] : fail(`index ${position} is outside a list of ${list.length}`)
  },
  'Fn::Split': (argument, scope, path) => {
    const [separator, source] = listOf(argument, 'Fn::Split')
    return textOf(resolveValue(source, scope, path), 'Fn::Split').split(textOf(separator, 'Fn::Split'))
  },
  'Fn::ImportValue': (argument, scope, path) =>
    scope.imported(textOf(resolveValue(argument, scope, path), 'Fn::ImportValue')),
  'Fn::If': (argument, scope, path) => {
    const [condition, whenTrue, whenFalse] = listOf(argument, 'Fn::If')
    return resolveValue(scope.condition(textOf(condition, 'Fn::If')) ? whenTrue : whenFalse, scope, path)
  },
  'Fn::Equals': (argument, scope, path) => {
    const [left, right] = resolvedList(argument, scope, path)
    return String(left) === String(right)
  },
  'Fn::And': (argument, scope, path) => resolvedList(argument, scope, path).every((item) => item === true),
  'Fn::Or': (argument, scope, path) => resolvedList(argument, scope, path).some((item) => item === true),
  'Fn::Not': (argument, scope, path) => resolvedList(argument, scope, path)[0] !== true,
  'Fn::FindInMap': (argument, scope, path) => {
    const [map, top, second] = resolvedList(argument, scope, path).map((item) => textOf(item, 'Fn::FindInMap'))
    return scope.mapping(map ?? '', top ?? '', second ?? '')
  },
  'Fn::Base64': (argument, scope, path) =>
    Buffer.from(textOf(resolveValue(argument, scope, path), 'Fn::Base64')).toString('base64'),
  'Fn::ToJsonString': (argument, scope, path) => JSON.stringify(resolveValue(argument, scope, path)),
  'Fn::Length': (argument, scope, path) => resolvedList(argument, scope, path).length,
  'Fn::GetAZs': (_argument, scope) => ['a', 'b', 'c'].map((zone) => `${scope.region}${zone}`),
  'Fn::Cidr': (argument, scope, path) => cidrBlocks(resolvedList(argument, scope, path)),
}

/** Equal blocks of an IPv4 network. */
function cidrBlocks([block, count, bits]: readonly unknown[]): string[] {
  const [address = '', _length] = textOf(block, 'Fn::Cidr').split('/')
  const base = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
  const size = 2 ** Number(bits)
  return Array.from({ length: Number(count) }, (_, index) => {
    const start = base + index * size
    const octets = [24, 16, 8, 0].map((shift) => Math.floor(start / 2 ** shift) % 256)
    return `${octets.join('.')}/${32 - Number(bits)}`
  })
}

const splitOnce = (name: string): [string, string | undefined] => {
  const dot = name.indexOf('.')
  return dot < 0 ? [name, undefined] : [name.slice(0, dot), name.slice(dot + 1)]
}

function textOf(value: unknown, where: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return fail(`${where} needs a text: found ${JSON.stringify(value) ?? String(value)}`)
}

const listOf = (value: unknown, where: string): readonly unknown[] =>
  Array.isArray(value) ? value : fail(`${where} needs a list: found ${JSON.stringify(value)}`)

const resolvedList = (value: unknown, scope: Scope, path: string): readonly unknown[] =>
  listOf(resolveValue(value, scope, path), path)
