/** Reproducible choices: the same seed gives the same ones. */
export class Choices {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0, below 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }

  /** A whole number from 0, below `end`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end)
  }

  chance(probability: number): boolean {
    return this.fraction() < probability
  }

  /** @param items at least one */
  pick<T>(items: readonly T[]): T {
    const [first, ...rest] = items
    if (first === undefined) throw new RangeError('Cannot pick from nothing')
    return rest[this.below(items.length) - 1] ?? first
  }

  /** Some of the items, in their order; at least one. */
  some<T>(items: readonly T[], most: number): readonly T[] {
    const wanted = 1 + this.below(Math.min(most, items.length))
    const chosen = new Set<T>()
    while (chosen.size < wanted) chosen.add(this.pick(items))
    return items.filter((item) => chosen.has(item))
  }
}
