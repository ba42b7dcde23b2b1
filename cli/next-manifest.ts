import type { LambdaClient } from '@aws-sdk/client-lambda'
import { parseManifest } from '../replay/parse-manifest.ts'
import {
  mustConfirm,
  type Release,
  type ReleaseKind,
  type ReleaseManifest,
  releaseManifest,
} from '../replay/release-manifest.ts'
import { CommandError, EXIT } from './output.ts'
import { describeReplay } from './replay-client.ts'

/**
 * The release with the number of its files confirmed, which many files need. @param confirm what `--confirm` says
 * @throws CommandError `confirmation_needed`, `confirmation_differs`
 */
export function confirmed(release: Omit<Release, 'confirm'>, confirm: string | undefined): Release {
  const count = release.jobs.length
  const again = `Say so with --confirm ${count}`
  if (confirm !== undefined && Number(confirm) !== count)
    throw new CommandError(
      EXIT.wrongUse,
      'confirmation_differs',
      `${count} files would run again, not ${confirm}`,
      again,
    )
  if (confirm === undefined && mustConfirm(release))
    throw new CommandError(EXIT.wrongUse, 'confirmation_needed', `${count} files would run again`, again)
  return { ...release, confirm: confirm === undefined ? null : count }
}

/** What the workflow would refuse is refused here, before anything is written. @throws CommandError `invalid_manifest` */
function acceptable(manifest: ReleaseManifest): ReleaseManifest {
  const parsed = parseManifest(Buffer.from(manifest.text))
  if (parsed.ok) return manifest
  const [first] = parsed.problems
  throw new CommandError(
    EXIT.wrongUse,
    'invalid_manifest',
    `${first?.field}: ${first?.message} (expected ${first?.expected}; found ${first?.found})`,
  )
}

/**
 * The manifest that runs jobs again: of the first round that has not ended, so that one that failed is asked for anew and one that
 * runs is left to run. @throws CommandError `invalid_manifest`
 */
export async function nextManifest(
  lambda: LambdaClient,
  release: Release,
  kind: ReleaseKind,
): Promise<ReleaseManifest> {
  for (let round = 1; ; round += 1) {
    const manifest = acceptable(releaseManifest(release, round, kind))
    const replay = await describeReplay(lambda, manifest.replayId)
    if (replay?.status !== 'COMPLETED') return manifest
  }
}
