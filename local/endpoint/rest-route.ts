/** Which operation a REST request means: by method, path and query, as the services' models have it. */

import { hasTrait, type OperationModel, requiredMembers, type ServiceModel, textTrait } from './model.ts'
import { percentDecode, queryDecode, type RawRequest } from './request.ts'

export interface RestTarget {
  readonly operation: OperationModel
  /** Values of the path's labels, decoded. */
  readonly labels: Readonly<Record<string, string>>
}

interface Route {
  readonly operation: OperationModel
  readonly path: RegExp
  readonly labelNames: readonly string[]
  /** Query parameters that must be there, with a value or (`null`) with any. `x-id` is a hint of the SDK only. */
  readonly query: readonly (readonly [string, string | null])[]
  readonly id: string | null
  /** Headers that must be there, e.g. a copy's source. */
  readonly headers: readonly string[]
}

const routesOf = new WeakMap<ServiceModel, readonly Route[]>()

/** The operation of a request by its path in the model, e.g. `/2015-03-31/functions/{FunctionName}`; `null` if none fits. */
export function routeRest(model: ServiceModel, request: RawRequest, path: string): RestTarget | null {
  const known = routesOf.get(model)
  const routes = known ?? [...model.operations.values()].flatMap(routeOf)
  if (known === undefined) routesOf.set(model, routes)
  return best(routes, request, path)
}

function routeOf(operation: OperationModel): Route[] {
  if (operation.http === null) return []
  const [template = '', query = ''] = operation.http.uri.split('?', 2)
  const labelNames: string[] = []
  const source = template.replace(/\{([^}+]+)(\+?)\}|[.*$()[\]\\]/g, (text, name?: string, greedy?: string) => {
    if (name === undefined) return `\\${text}`
    labelNames.push(name)
    return greedy === '+' ? '(.+)' : '([^/]+)'
  })
  const constants = [...new URLSearchParams(query)]
  const required = new Set(requiredMembers(operation.input))
  const members = [...operation.input.structIterator()].filter(([name]) => required.has(name))
  const names = (trait: string): string[] =>
    members.map(([, member]) => textTrait(member, trait)).filter((name) => name !== null)
  return [
    {
      operation,
      path: new RegExp(`^${source}/?$`, 's'),
      labelNames,
      query: [
        ...constants
          .filter(([name]) => name !== 'x-id')
          .map(([name, value]) => [name, value === '' ? null : value] as const),
        ...names('httpQuery').map((name) => [name, null] as const),
      ],
      id: constants.find(([name]) => name === 'x-id')?.[1] ?? null,
      headers: names('httpHeader').map((name) => name.toLowerCase()),
    },
  ]
}

function best(routes: readonly Route[], request: RawRequest, path: string): RestTarget | null {
  const query = new Map(request.rawQuery.map(([name, value]) => [queryDecode(name), queryDecode(value)]))
  let chosen: { score: number; target: RestTarget } | null = null
  for (const route of routes) {
    if (route.operation.http?.method !== request.method || !satisfied(route, query, request)) continue
    const match = route.path.exec(path)
    if (match === null) continue
    const score =
      10 * (route.query.length + route.headers.length) + (route.id !== null && query.get('x-id') === route.id ? 1 : 0)
    if (chosen !== null && chosen.score >= score) continue
    const labels = Object.fromEntries(
      route.labelNames.map((name, index) => [name, percentDecode(match[index + 1] ?? '')]),
    )
    chosen = { score, target: { operation: route.operation, labels } }
  }
  return chosen?.target ?? null
}

const satisfied = (route: Route, query: ReadonlyMap<string, string>, { headers }: RawRequest): boolean =>
  route.query.every(([name, value]) => query.has(name) && (value === null || query.get(name) === value)) &&
  route.headers.every((name) => headers.has(name))

/** S3's paths leave the bucket out: it stands before them, or in the host. */
export function routeS3(
  model: ServiceModel,
  request: RawRequest,
  bucket: string | null,
  rest: string,
): RestTarget | null {
  const operations = s3Operations(model)[bucket === null ? 'service' : 'bucket']
  const target = best(operations, request, rest === '' ? '/' : rest)
  if (target === null || bucket === null) return target
  return { ...target, labels: { ...target.labels, Bucket: bucket } }
}

interface S3Routes {
  readonly service: readonly Route[]
  readonly bucket: readonly Route[]
}
const s3RoutesOf = new WeakMap<ServiceModel, S3Routes>()

function s3Operations(model: ServiceModel): S3Routes {
  const known = s3RoutesOf.get(model)
  if (known !== undefined) return known
  const routes = [...model.operations.values()]
    .filter(({ name }) => !OTHER_HOSTS.includes(name))
    .flatMap((operation) => routeOf(operation).map((route) => ({ route, hasBucket: takesBucket(operation) })))
  const made = {
    service: routes.filter(({ hasBucket }) => !hasBucket).map(({ route }) => route),
    bucket: routes.filter(({ hasBucket }) => hasBucket).map(({ route }) => route),
  }
  s3RoutesOf.set(model, made)
  return made
}

/** Operations of other endpoints (object lambda, directory buckets) whose paths could be taken for keys. */
const OTHER_HOSTS = ['WriteGetObjectResponse', 'ListDirectoryBuckets', 'CreateSession', 'RenameObject']

const takesBucket = ({ input }: OperationModel): boolean =>
  [...input.structIterator()].some(([name, member]) => name === 'Bucket' && hasTrait(member, 'httpLabel'))
