import { RULE_FORMS, type RuleForm } from '../../dqdl/rule-types.ts'
import type { Choices } from '../deequ/random.ts'

/** The tokens of a ruleset, to be joined by {@link spaced}. */
export type Tokens = readonly string[]

const COLUMNS = ['"a"', '"net mass"', 'a', 'order.id', '_x', '3rd', '"2031-5-6"', '"b\\"c"', '"`x.y`"', '1.2.3', 'And']
const TEXTS = [
  '"a"',
  '"don\'t"',
  '"\\d+"',
  '"a\\"b"',
  '""',
  '" "',
  '"#"',
  '"cost 5$"',
  '"line\nfeed"',
  '"7:45"',
  '"ü🙂"',
]
const DATES = ['"2031-05-06"', '"2031-99-99"', '"07:45"', '"7:45 PM"', '"24:00"', '"00:30 AM"', 'now()']
const NUMBERS = ['0', '7', '42', '2.5', '007', '0.10', '2147483647']
const WHOLE = ['0', '7', '42', '007', '2147483647']
const TOO_LARGE = ['2147483648', '2.5', '-7']
const FUNCTIONS = ['last', 'avg', 'std', 'index', 'anything', 'now', 'min']
const ZONES = ['"UTC"', '"Europe/Berlin"', '"UTC+2"', '"+02:00"', '"GMT0"', '"US/Eastern"', '"Z"']
const NO_ZONES = ['"No/Where"', '"EUROPE/BERLIN"', '"EST"', '"UTC+25"', '"utc"', '5', 'NULL']
const NULLS = ['NULL', 'null']
const KEYWORDS = [...NULLS, 'EMPTY', 'empty', 'WHITESPACES_ONLY', 'whitespaces_only']

const list = (choices: Choices, most: number, item: () => Tokens): Tokens => {
  const items = Array.from({ length: 1 + choices.below(most) }, item)
  return ['[', ...items.flatMap((each, index) => (index === 0 ? each : [',', ...each])), ']']
}
const negation = (choices: Choices): Tokens => (choices.chance(0.4) ? ['not'] : [])

/** Rulesets by the grammar, most of them sound; what varies is chosen by `choices`. */
export class DocumentMaker {
  readonly #choices: Choices
  readonly #names: string[] = []

  constructor(choices: Choices) {
    this.#choices = choices
  }

  document(): Tokens {
    const choices = this.#choices
    this.#names.length = 0
    const tokens: string[] = []
    if (choices.chance(0.1)) tokens.push('Metadata', '=', ...this.#dictionary(['"Version"']))
    if (choices.chance(0.1))
      tokens.push('DataSources', '=', ...this.#dictionary(['"Primary"', '"AdditionalDataSources"']))
    while (choices.chance(0.2)) tokens.push(...this.#variable())
    if (choices.chance(0.12)) tokens.push('DefaultLabels', '=', ...this.#labels())
    const analyzersAlone = choices.chance(0.06)
    if (!analyzersAlone) tokens.push('Rules', '=', ...this.#rules())
    if (analyzersAlone || choices.chance(0.12)) tokens.push('Analyzers', '=', ...this.#analyzers())
    if (choices.chance(0.04)) tokens.push(choices.pick(['anything', ',', "'", 'Rules', '@', '"', '{', '\r', '# end']))
    return tokens
  }

  /** Now and then one of the others. */
  #mostly(sound: Tokens, others: Tokens): string {
    return this.#choices.pick(this.#choices.chance(0.04) ? others : sound)
  }

  #dictionary(keys: Tokens): Tokens {
    const text = (): string => this.#choices.pick(['"p"', '"1.0"', '"a b"', '"x"'])
    const value = (key: string): Tokens =>
      key === '"AdditionalDataSources"' || this.#choices.chance(0.1) ? list(this.#choices, 3, () => [text()]) : [text()]
    const pairs = this.#choices
      .some(keys, 2)
      .flatMap((key, index) => [...(index === 0 ? [] : [',']), key, ':', ...value(key)])
    return ['{', ...pairs, '}']
  }

  #variable(): Tokens {
    const name = this.#mostly(['v', 'w', 'open_states', '3d', 'e.f'], ['_no', '.no'])
    this.#names.push(name)
    const text = (): Tokens => [
      this.#choices.chance(0.2) ? this.#choices.pick(KEYWORDS) : this.#mostly(TEXTS, ['"$x"', '"$\\x"']),
    ]
    return [name, '=', ...(this.#choices.chance(0.5) ? text() : list(this.#choices, 3, text))]
  }
  #variableUse(): Tokens {
    return ['$', this.#names.length > 0 && this.#choices.chance(0.9) ? this.#choices.pick(this.#names) : 'unknown']
  }

  #labels(): Tokens {
    const choices = this.#choices
    if (choices.chance(0.03)) return ['[', ']']
    const many = choices.chance(0.05) ? 11 : 3
    let index = 0
    return list(choices, many, () => {
      index += 1
      const key = choices.chance(0.05) ? '"k"' : `"k${index}"`
      return [
        key,
        '=',
        choices.pick([
          '"v"',
          '"gate"',
          '"2031-5-6"',
          '""',
          '"2031-05-06"',
          `"${'x'.repeat(257)}"`,
          '"w"',
          '"x"',
          '"y"',
        ]),
      ]
    })
  }

  #rules(): Tokens {
    if (this.#choices.chance(0.02)) return ['[', ']']
    return list(this.#choices, 3, () => this.#expression(0))
  }
  #analyzers(): Tokens {
    return list(this.#choices, 3, () => {
      const form = this.#choices.pick(RULE_FORMS)
      return [form.type, ...this.#parameters(form)]
    })
  }

  #expression(depth: number): Tokens {
    const choices = this.#choices
    if (depth > 7 || !choices.chance(depth === 0 ? 0.2 : 0.35)) return this.#rule()
    const parts = 2 + choices.below(choices.chance(0.1) ? 7 : 2)
    return Array.from({ length: parts }, (_, index) => {
      const inner = this.#expression(depth + 1)
      const part = choices.chance(0.85) ? ['(', ...inner, ')', ...this.#ownLabels(0.06)] : inner
      return index === 0 ? part : [choices.pick(['and', 'AND', 'or', 'OR']), ...part]
    }).flat()
  }

  #ownLabels(probability: number): Tokens {
    return this.#choices.chance(probability) ? ['labels', '=', ...this.#labels()] : []
  }

  #rule(): Tokens {
    const choices = this.#choices
    const form = choices.pick(RULE_FORMS.filter(({ analyzerOnly }) => !analyzerOnly || choices.chance(0.05)))
    const tokens = [form.type, ...this.#parameters(form)]
    if (
      form.conditions.length > 0
        ? !(form.conditionOptional && choices.chance(0.5)) && choices.chance(0.98)
        : choices.chance(0.02)
    )
      tokens.push(...this.#condition(choices.chance(0.96) ? form : choices.pick(RULE_FORMS)))
    if (form.where ? choices.chance(0.15) : choices.chance(0.02))
      tokens.push('where', this.#mostly(['"a > 1"', '"b = \'x\'"'], ['" "', '""']))
    tokens.push(...this.#ownLabels(0.08))
    if (form.threshold ? choices.chance(0.2) : choices.chance(0.02))
      tokens.push('with', choices.pick(['threshold', 'Threshold']), ...this.#numberCondition())
    while (choices.chance(0.08)) tokens.push('with', ...this.#tag())
    return tokens
  }

  #tag(): Tokens {
    const choices = this.#choices
    if (choices.chance(0.5)) return ['timeZone', '=', this.#mostly(ZONES, NO_ZONES)]
    const name = choices.pick(['ignoreCase', 'format', 'x', 'threshold'])
    if (choices.chance(0.6)) return [name, '=', choices.pick([...TEXTS, ...KEYWORDS])]
    if (choices.chance(0.2)) return [name, ...this.#textCondition()]
    return [name, ...(choices.chance(0.8) ? ['=', ...this.#number(0)] : this.#numberCondition())]
  }

  #parameters({ minParameters, maxParameters }: RuleForm): Tokens {
    const choices = this.#choices
    const most = Math.min(maxParameters, minParameters + 3)
    const count = choices.chance(0.97) ? minParameters + choices.below(most - minParameters + 1) : choices.below(4)
    return Array.from({ length: count }, () => {
      const parameter = choices.chance(0.04) ? this.#variableUse() : [choices.pick(COLUMNS)]
      return choices.chance(0.1) ? [choices.pick(['of', 'OF', 'and', 'AND']), ...parameter] : parameter
    }).flat()
  }

  #condition({ conditions }: RuleForm): Tokens {
    const kind = this.#choices.pick(conditions.length === 0 ? (['number'] as const) : conditions)
    if (kind === 'number') return this.#numberCondition()
    if (kind === 'text') return this.#textCondition()
    if (kind === 'date') return this.#ordered(() => this.#date())
    const units = kind === 'duration' ? ['days', 'hours', 'minutes'] : ['B', 'KB', 'MB', 'GB', 'TB']
    const bare = kind === 'size' && this.#choices.chance(0.3)
    return bare
      ? this.#numberCondition()
      : this.#ordered(() => [this.#mostly(WHOLE, TOO_LARGE), this.#choices.pick(units)])
  }
  #numberCondition(): Tokens {
    return this.#ordered(() => this.#number(0))
  }

  #ordered(operand: () => Tokens): Tokens {
    const choices = this.#choices
    const form = choices.below(4)
    if (form === 0) return [...negation(choices), 'between', ...operand(), choices.pick(['and', 'AND']), ...operand()]
    if (form === 1) return [...negation(choices), 'in', ...list(choices, 3, operand)]
    if (form === 2) return [...(choices.chance(0.4) ? ['!'] : []), '=', ...operand()]
    return [choices.pick(['>', '>=', '<', '<=']), ...operand()]
  }

  #textCondition(): Tokens {
    const choices = this.#choices
    const text = (): Tokens => [choices.chance(0.15) ? choices.pick(KEYWORDS) : choices.pick(TEXTS)]
    const form = choices.below(4)
    if (form === 0)
      return [...(choices.chance(0.4) ? ['!'] : []), '=', ...(choices.chance(0.03) ? this.#variableUse() : text())]
    if (form === 1) return [...negation(choices), 'matches', choices.pick(TEXTS)]
    const operands = (): Tokens => (choices.chance(0.03) ? this.#variableUse() : text())
    return [...negation(choices), 'in', ...(choices.chance(0.2) ? this.#variableUse() : list(choices, 4, operands))]
  }

  #date(): Tokens {
    const choices = this.#choices
    if (choices.chance(0.1)) return [choices.pick(NULLS)]
    if (!choices.chance(0.25)) return [this.#mostly(DATES, ['"29:10"', '"13:30 PM"', '"24:01"'])]
    return [
      '(',
      'now()',
      choices.pick(['+', '-']),
      choices.pick(NUMBERS),
      choices.pick(['days', 'hours', 'minutes']),
      ')',
    ]
  }

  #number(depth: number): Tokens {
    const choices = this.#choices
    if (choices.chance(0.75 + depth * 0.1)) {
      if (choices.chance(0.04)) return [choices.pick(NULLS)]
      return choices.chance(0.15) ? ['-', choices.pick(NUMBERS)] : [choices.pick(NUMBERS)]
    }
    const inner = (): Tokens => this.#number(depth + 1)
    const form = choices.below(3)
    if (form === 0) return ['(', ...inner(), ')']
    if (form === 1) return [...inner(), choices.pick(['+', '-', '*', '/']), ...inner()]
    const count = choices.below(3)
    const values = Array.from({ length: count }, inner).flatMap((each, index) => (index === 0 ? each : [',', ...each]))
    return [choices.pick(FUNCTIONS), '(', ...values, ')']
  }
}

/** Blanks, tabs, line feeds and comments between tokens; none at all where two tokens stay two. */
export function spaced(tokens: Tokens, choices: Choices): string {
  let text = ''
  for (const token of tokens) {
    const merges = /[\w.]$/.test(text) && /^[\w.]/.test(token)
    const between = choices.below(20)
    if (between === 0) text += '\n'
    else if (between === 1) text += '\t '
    else if (between === 2) text += ' # a comment, with "quotes" and [brackets\n'
    else if (between > 5 || merges) text += ' '
    text += token
  }
  return text
}
