const PIECES = [
  'a',
  'b1',
  ',',
  ',',
  ',',
  '"',
  '"q, r"',
  '"say ""so"""',
  '"two\nlines"',
  'é',
  ' ',
  ' "',
  ' "q, r"',
  '\0',
  '\n',
  '\n',
  '\r\n',
  '\r',
  '5" pipe',
  '\\',
  '1.5',
]

/** Bytes that look like CSV and break each of its rules now and then; at most `bytes` of them, the same for a seed. */
export function randomRecords(seed: number, bytes: number): Buffer {
  let state = seed
  const draw = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return Math.floor((state / 0x80000000) * below)
  }
  const parts: Buffer[] = [Buffer.from('sensor,value,read_at\n')]
  for (let length = 0; length < bytes - 64; ) {
    const piece =
      draw(5) > 0
        ? Buffer.from(`s${draw(900)},${draw(90)}.${draw(99)},\n`)
        : draw(300) === 0
          ? Buffer.from([0xff])
          : Buffer.from(PIECES[draw(PIECES.length)] ?? '')
    parts.push(piece)
    length += piece.length
  }
  return Buffer.concat([...parts, Buffer.from('"\nlast,1,\n')])
}
