/** What a benchmark found, as `--json` prints it and as people read it. */

export interface StageTime {
  readonly name: string
  readonly seconds: number
  /** Of the whole, 0 to 1. Stages within a stage, such as `Transform/parse`, are part of theirs. */
  readonly share: number
}

export interface Measurement {
  readonly name: string
  readonly rows: number
  readonly seconds: number
  readonly peer: string | null
  readonly peerSeconds: number | null
  /** `seconds / peerSeconds` */
  readonly ratio: number | null
  /** Peak resident memory of the runtime's process and its children, in MB (10^6 bytes). */
  readonly peakMb: number | null
  /** The same of the peer, where it tells. */
  readonly peerPeakMb?: number | null
  readonly stages: readonly StageTime[]
  /** The same as a rate, where people compare rates. */
  readonly perSecond?: { readonly unit: string; readonly own: number; readonly peer: number | null }
}

/** Why something was not measured, and on whom that falls. */
export interface Skipped {
  readonly name: string
  readonly reason: string
}

export interface Report {
  readonly measurements: readonly Measurement[]
  readonly skipped: readonly Skipped[]
}

/** A measurement that stands beside no peer. */
export const alone = (name: string, seconds: number, rest: Partial<Measurement> = {}): Measurement => ({
  name,
  rows: 0,
  seconds: round(seconds),
  peer: null,
  peerSeconds: null,
  ratio: null,
  peakMb: null,
  stages: [],
  ...rest,
})

export const round = (value: number): number => Math.round(value * 1000) / 1000

export const sharesOf = (
  stages: readonly { readonly name: string; readonly millis: number }[],
  seconds: number,
): readonly StageTime[] =>
  stages.map(({ name, millis }) => ({ name, seconds: round(millis / 1000), share: round(millis / 1000 / seconds) }))

const rateText = ({ unit, own, peer }: NonNullable<Measurement['perSecond']>): string =>
  `${own} ${unit}/s${peer === null ? '' : ` beside ${peer}`}`

const line = ({
  name,
  rows,
  seconds,
  peer,
  peerSeconds,
  ratio,
  peakMb,
  peerPeakMb = null,
  perSecond,
}: Measurement): string =>
  [
    name.padEnd(22),
    `${seconds.toFixed(3).padStart(9)} s`,
    rows > 0 ? `${rows} rows` : '',
    peer === null ? '' : `${peer} ${peerSeconds?.toFixed(3)} s, ratio ${ratio?.toFixed(2)}`,
    perSecond === undefined ? '' : rateText(perSecond),
    peakMb === null ? '' : `peak ${peakMb} MB`,
    peerPeakMb === null ? '' : `peer's peak ${peerPeakMb} MB`,
  ]
    .filter((part) => part !== '')
    .join('  ')

const stageLine = ({ name, seconds, share }: StageTime): string =>
  `    ${name.padEnd(24)}${seconds.toFixed(3).padStart(9)} s ${`${(share * 100).toFixed(1)}%`.padStart(7)}`

export const printReport = ({ measurements, skipped }: Report): string =>
  [
    ...measurements.flatMap((measurement) => [line(measurement), ...measurement.stages.map(stageLine)]),
    ...skipped.map(({ name, reason }) => `${name.padEnd(22)}   skipped: ${reason}`),
  ].join('\n')
