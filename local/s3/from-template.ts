/** A bucket of the assembly as the service takes it. */

import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts'
import type { BucketModel } from '../assembly/model.ts'
import type { BucketSettings } from './buckets.ts'

/** The settings that a declared bucket means. */
export const bucketSettingsOf = (model: BucketModel): BucketSettings => ({
  name: model.name,
  versioned: model.versioned,
  kmsKeyArn: model.kmsKeyArn,
  bucketKeyEnabled: model.bucketKeyEnabled,
  eventBridge: model.eventBridge,
  policy: model.policy,
  lifecycle: lifecycleOf(model.lifecycle),
  publicAccessBlock: objectOrNull(model.publicAccessBlock),
  ownershipControls: objectOrNull(model.ownershipControls),
})

const objectOrNull = (value: Json): JsonObject | null => asObject(value) ?? null
const asObject = (value: Json | undefined): JsonObject | undefined =>
  value !== undefined && isJsonObject(value) ? JSON.parse(JSON.stringify(value)) : undefined

/** CloudFormation's rules in the words of the API. */
function lifecycleOf(lifecycle: Json): JsonObject | null {
  const rules = asObject(lifecycle)?.Rules
  return Array.isArray(rules) ? { Rules: rules.map(ruleOf) } : null
}

function ruleOf(rule: Json): JsonObject {
  const given = asObject(rule) ?? {}
  const noncurrent = asObject(given.NoncurrentVersionExpiration)
  const expiration = {
    ...(given.ExpirationInDays === undefined ? {} : { Days: Number(given.ExpirationInDays) }),
    ...(given.ExpiredObjectDeleteMarker === undefined
      ? {}
      : { ExpiredObjectDeleteMarker: String(given.ExpiredObjectDeleteMarker) === 'true' }),
  }
  return {
    ID: given.Id,
    Status: given.Status,
    Filter: { Prefix: given.Prefix ?? '' },
    ...(Object.keys(expiration).length === 0 ? {} : { Expiration: expiration }),
    ...(noncurrent === undefined
      ? {}
      : { NoncurrentVersionExpiration: { NoncurrentDays: Number(noncurrent.NoncurrentDays) } }),
    ...(given.AbortIncompleteMultipartUpload === undefined
      ? {}
      : { AbortIncompleteMultipartUpload: given.AbortIncompleteMultipartUpload }),
    ...(given.Transitions === undefined ? {} : { Transitions: given.Transitions }),
  }
}
