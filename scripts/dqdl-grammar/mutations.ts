import { RESERVED_WORDS } from '../../dqdl/tokens.ts'
import type { Choices } from '../deequ/random.ts'
import type { Tokens } from './documents.ts'

const SYMBOLS = [...'{}[](),:=!<>+-*/$', '>=', '<=', '"', "'"]
const WORDS = [
  ...RESERVED_WORDS,
  'Between',
  'NOT',
  'x',
  '"x"',
  '5',
  '2.5',
  '.5',
  '5.',
  '1e6',
  'now()',
  'now',
  '"2031-05-06"',
  '"7:45 PM"',
]
const CHARACTERS = [
  '\r',
  "'",
  '"',
  '\\',
  '#',
  '@',
  ';',
  'é',
  '\u00a0',
  '$',
  '7',
  '.',
  '_',
  ' ',
  '\n',
  '\\"',
  '`',
  '%',
  '🙂',
  '\f',
]

function changedTokens(tokens: Tokens, choices: Choices): Tokens {
  const at = choices.below(tokens.length)
  const before = tokens.slice(0, at)
  const [token = '', ...after] = tokens.slice(at)
  const [next, ...rest] = after
  const other = choices.pick(choices.chance(0.5) ? SYMBOLS : WORDS)
  switch (choices.below(6)) {
    case 0:
      return [...before, ...after]
    case 1:
      return [...before, token, token, ...after]
    case 2:
      return next === undefined ? before : [...before, next, token, ...rest]
    case 3:
      return [...before, other, ...after]
    case 4:
      return [...before, token === token.toLowerCase() ? token.toUpperCase() : token.toLowerCase(), ...after]
    default:
      return [...before, other, token, ...after]
  }
}

/** Tokens with one or two of them left out, doubled, swapped, replaced, put in, or spelled otherwise. */
export function mutatedTokens(tokens: Tokens, choices: Choices): Tokens {
  const once = changedTokens(tokens, choices)
  return choices.chance(0.3) && once.length > 0 ? changedTokens(once, choices) : once
}

/** A text with one character left out, put in, or the whole cut off. */
export function mutatedText(text: string, choices: Choices): string {
  const characters = [...text]
  const at = choices.below(characters.length + 1)
  const form = choices.below(5)
  if (form === 0) return characters.slice(0, at).join('')
  const put = form === 1 ? [] : [choices.pick(CHARACTERS)]
  return [...characters.slice(0, at), ...put, ...characters.slice(form === 1 ? at + 1 : at)].join('')
}
