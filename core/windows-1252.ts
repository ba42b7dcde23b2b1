/** What the bytes 0x80 to 0x9f stand for; the five that Windows leaves open are the control characters of Latin-1. */
const LETTERS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'

/** Text of bytes in Windows' Western code page, which is Latin-1 but for these letters. Every byte is a character. */
export const decodeWindows1252 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString('latin1')
    .replace(/[\x80-\x9f]/g, (character) => LETTERS.charAt(character.charCodeAt(0) - 0x80))
