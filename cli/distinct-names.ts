/** Column names as members of an object: `count, count` becomes `count, count_2`, since one would hide the other. */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>()
  return names.map((name) => {
    let candidate = name
    for (let place = 2; taken.has(candidate) || (place > 2 && names.includes(candidate)); place += 1)
      candidate = `${name}_${place}`
    taken.add(candidate)
    return candidate
  })
}
