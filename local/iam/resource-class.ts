/**
 * Which resource patterns of some policies an ARN matches. Two ARNs that match the same ones get the same decision, so
 * a decision made for one object holds for the next one of the same prefix.
 */

import { isJsonObject } from '../../core/json.ts'
import type { PolicyDocument } from './policy-registry.ts'

export type ResourceClassifier = (resourceArn: string) => string

/** @returns a function from ARN to class; with policy variables in a pattern each ARN is a class of its own */
export function resourceClassifier(documents: readonly PolicyDocument[]): ResourceClassifier {
  const patterns = [...new Set(documents.flatMap(resourcePatterns))]
  if (patterns.some((pattern) => pattern.includes('${'))) return (resourceArn) => resourceArn
  const expressions = patterns.map(wildcardExpression)
  return (resourceArn) => expressions.map((expression) => (expression.test(resourceArn) ? '1' : '0')).join('')
}

function resourcePatterns(document: PolicyDocument): string[] {
  const { Statement: statements } = document
  return listOf(statements).flatMap((statement) =>
    isJsonObject(statement) ? [...listOf(statement.Resource), ...listOf(statement.NotResource)].filter(isString) : [],
  )
}

const listOf = (value: unknown): readonly unknown[] =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]

const isString = (value: unknown): value is string => typeof value === 'string'

/** `*` stands for any characters, `?` for one. */
export function wildcardExpression(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`, 's')
}
