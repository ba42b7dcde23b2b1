import type { ReplayOverrides } from '../replay/manifest.ts'
import type { Fields } from './input.ts'
import type { IngestInput } from './messages.ts'

/** What an operator let an attempt off. Kept with the job for ever. */
export type Waivers = ReplayOverrides

/** `null` where nothing is waived. */
export function waiversOf({ replay }: Pick<IngestInput, 'replay'>): Waivers | null {
  if (replay === null || (!replay.acceptRejects && replay.overrideGate.length === 0)) return null
  return { acceptRejects: replay.acceptRejects, overrideGate: replay.overrideGate }
}

/** @throws SluiceError `invalid_input` */
export const parseWaivers = (waivers: Fields | null): Waivers | null =>
  waivers === null
    ? null
    : { acceptRejects: waivers.flag('acceptRejects', false), overrideGate: waivers.texts('overrideGate') }

const LEDGER_BYTES = 4000

/** As the warehouse's ledger keeps it, for people; cut where very many rules are named. */
export function ledgerText(waivers: Waivers | null): string | null {
  if (waivers === null) return null
  const parts = [
    ...(waivers.acceptRejects ? ['accept-rejects'] : []),
    ...waivers.overrideGate.map((rule) => `override-gate: ${rule}`),
  ]
  return Buffer.from(parts.join('; '))
    .subarray(0, LEDGER_BYTES)
    .toString('utf8')
    .replace(/\ufffd$/, '')
}
