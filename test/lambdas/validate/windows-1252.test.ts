import { describe, expect, test } from '@jest/globals'
import { decodeWindows1252 } from '../../../core/windows-1252.ts'
import { check, HEADER, ROW, withInput } from './sources.ts'

const content = Buffer.from(`${HEADER}\n${ROW.replace('fine', 'M\xfcller \x96 \x93x\x94 \x80')}\n`, 'latin1')

describe("Windows' Western code page", () => {
  test('VAL-05: is suspected where quotes, dashes or a euro sign stand among letters that are no UTF-8', async () => {
    expect(await check(content)).toMatchObject({
      reasonCode: 'bad_encoding',
      message: expect.stringContaining('it looks like windows-1252, which the mapping can declare'),
      details: { suspicion: 'windows-1252' },
    })
  })

  test('VAL-05: is read where the mapping says so', async () => {
    const mapping = withInput({ encoding: 'windows-1252' })
    expect(await check(content, { mapping })).toMatchObject({ encoding: 'windows-1252', header: HEADER.split(',') })
  })

  test('differs from Latin-1 in 27 letters only', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
    const [windows, latin] = [decodeWindows1252(bytes), bytes.toString('latin1')]
    expect([...windows].filter((letter, index) => letter !== latin[index])).toHaveLength(27)
    expect(windows.slice(0x80, 0xa0)).toBe('€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ')
    expect(decodeWindows1252(Buffer.from('xM\xfcller \x96 \x80', 'latin1').subarray(1))).toBe('Müller – €')
  })
})
