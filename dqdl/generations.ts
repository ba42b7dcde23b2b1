/** Entries that a generation may have fewer of and still be as good as the one before. */
const FEW = 20

/**
 * What is known of objects from one text to the next: what the last text had, and the last one that had about as many.
 * Unlike a `WeakMap` it costs the garbage collector nothing for each entry.
 */
export class Generations<K extends object, V> {
  #current = new Map<K, V>()
  #last = this.#current
  #whole = this.#current

  /** Before a text is looked at. */
  begin(): void {
    if (this.#current.size >= this.#whole.size - FEW) this.#whole = this.#current
    this.#last = this.#current
    this.#current = new Map()
  }

  get(key: K): V | undefined {
    const known = this.#current.get(key) ?? this.#last.get(key) ?? this.#whole.get(key)
    if (known !== undefined) this.#current.set(key, known)
    return known
  }

  set(key: K, value: V): void {
    this.#current.set(key, value)
  }

  forget(): void {
    this.#current = new Map()
    this.#last = this.#current
    this.#whole = this.#current
  }
}
