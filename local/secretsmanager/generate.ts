/** `GenerateSecretString` of a template. */

import { randomInt } from 'node:crypto'
import { isJsonObject, type JsonObject } from '../../core/json.ts'

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const UPPER = LOWER.toUpperCase()
const DIGITS = '0123456789'
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'

/** A random value by these settings, inside their JSON template where they have one. */
export function generateSecret(settings: JsonObject, random: (limit: number) => number = randomInt): string {
  const password = generatePassword(settings, random)
  const { SecretStringTemplate: template, GenerateStringKey: key } = settings
  if (typeof template !== 'string' || typeof key !== 'string') return password
  const members: unknown = JSON.parse(template)
  return JSON.stringify({ ...(isJsonObject(members) ? members : {}), [key]: password })
}

function generatePassword(settings: JsonObject, random: (limit: number) => number): string {
  const excluded = new Set(String(settings.ExcludeCharacters ?? ''))
  const groups = [
    settings.ExcludeLowercase === true ? '' : LOWER,
    settings.ExcludeUppercase === true ? '' : UPPER,
    settings.ExcludeNumbers === true ? '' : DIGITS,
    settings.ExcludePunctuation === true ? '' : PUNCTUATION,
    settings.IncludeSpace === true ? ' ' : '',
  ]
    .map((group) => [...group].filter((char) => !excluded.has(char)))
    .filter((group) => group.length > 0)
  const all = groups.flat()
  const length = Number(settings.PasswordLength ?? 32)
  const pick = (from: readonly string[]): string => from[random(from.length)] ?? ''
  const required = settings.RequireEachIncludedType === false ? [] : groups.map(pick)
  const chars = [...required, ...Array.from({ length: Math.max(0, length - required.length) }, () => pick(all))]
  return shuffled(chars.slice(0, length), random).join('')
}

function shuffled(chars: readonly string[], random: (limit: number) => number): string[] {
  const mixed = [...chars]
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = random(index + 1)
    const held = mixed[index] ?? ''
    mixed[index] = mixed[other] ?? ''
    mixed[other] = held
  }
  return mixed
}
