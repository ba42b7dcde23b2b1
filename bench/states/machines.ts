/** The two machines under measurement, in the query language that the one who runs them knows. */

export type Language = 'JSONata' | 'JSONPath'

export interface MeasuredMachine {
  readonly name: string
  /** State transitions of one execution: states entered. */
  readonly transitions: number
  readonly input: unknown
  definition(language: Language): string
}

const CHAIN_STATES = 20

/** Twenty Pass states, one after another. */
export const CHAIN: MeasuredMachine = {
  name: 'chain',
  transitions: CHAIN_STATES,
  input: { order: 'A-1', amount: 12.5, lines: [1, 2, 3] },
  definition: (language) => {
    const states = Array.from({ length: CHAIN_STATES }, (_, index): [string, unknown] => [
      `Pass${index + 1}`,
      { Type: 'Pass', ...(index + 1 < CHAIN_STATES ? { Next: `Pass${index + 2}` } : { End: true }) },
    ])
    return JSON.stringify({ QueryLanguage: language, StartAt: 'Pass1', States: Object.fromEntries(states) })
  },
}

const MAP_ITEMS = 1_000

/** An inline Map over a thousand items, each through one Pass state. */
export const MAP: MeasuredMachine = {
  name: 'map',
  transitions: MAP_ITEMS + 1,
  input: { items: Array.from({ length: MAP_ITEMS }, (_, item) => item) },
  definition: (language) =>
    JSON.stringify({
      QueryLanguage: language,
      StartAt: 'Each',
      States: {
        Each: {
          Type: 'Map',
          ...(language === 'JSONata' ? { Items: '{% $states.input.items %}' } : { ItemsPath: '$.items' }),
          ItemProcessor: {
            ProcessorConfig: { Mode: 'INLINE' },
            StartAt: 'One',
            States: { One: { Type: 'Pass', End: true } },
          },
          End: true,
        },
      },
    }),
}

/** Waits for an hour. */
export const WAITING: MeasuredMachine = {
  name: 'waiting',
  transitions: 1,
  input: { order: 'A-1' },
  definition: (language) =>
    JSON.stringify({
      QueryLanguage: language,
      StartAt: 'Hour',
      States: { Hour: { Type: 'Wait', Seconds: 3_600, End: true } },
    }),
}
