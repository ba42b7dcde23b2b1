import { cpSync } from 'node:fs'
import { join } from 'node:path'
import {
  DescribeStateMachineCommand,
  PublishStateMachineVersionCommand,
  UpdateStateMachineCommand,
} from '@aws-sdk/client-sfn'
import { describe, expect, test } from '@jest/globals'
import { documentOf, sluice } from '../cli/command.ts'
import { goldenPath } from '../golden/golden.ts'
import type { GoldenHarness } from './golden-remains-cases.ts'
import { dropFile, jobOf } from './harness.ts'
import { type JsonObject, objectOf } from './json.ts'
import { machineArn } from './operator.ts'

/** Versions of the ingest machine that are tried before they become live. */
export function promotionTests({ runtime, folder }: Pick<GoldenHarness, 'runtime' | 'folder'>): void {
  describe('promotion', () => {
    /** Publishes a version of the ingest machine as a deployment would that is told to leave `live` alone. */
    async function publish(change: (definition: string) => string): Promise<number> {
      const { states } = runtime().clients
      const stateMachineArn = await machineArn(states, 'ingest')
      const { definition = '' } = await states.send(new DescribeStateMachineCommand({ stateMachineArn }))
      await states.send(new UpdateStateMachineCommand({ stateMachineArn, definition: change(definition) }))
      const { stateMachineVersionArn = '' } = await states.send(
        new PublishStateMachineVersionCommand({ stateMachineArn }),
      )
      return Number(stateMachineVersionArn.split(':').at(-1))
    }

    async function promote(...more: readonly string[]): Promise<{ exitCode: number | null; answer: JsonObject }> {
      const files = join(folder, 'smoke')
      cpSync('smoke/acme.orders.csv', join(files, 'acme.orders.csv'))
      const ended = await sluice(['promote', '--json', '--state', runtime().state, '--files', files, ...more])
      return { exitCode: ended.exitCode, answer: objectOf(documentOf(ended)) }
    }

    test('DEP-11 DEP-02: a version in which the smoke run fails does not become live, and live goes on working', async () => {
      const broken = await publish((definition) => definition.replaceAll('transform-small', 'transform-gone'))
      expect(await promote()).toMatchObject({
        exitCode: 1,
        answer: {
          promoted: false,
          version: broken,
          live: [{ version: 1, weight: 100 }],
          outcomes: [
            { dataset: 'orders', machineVersion: broken, passed: false, why: expect.stringContaining('transform') },
          ],
        },
      })
      const dropped = await dropFile(
        runtime(),
        { tenant: 'acme', dataset: 'orders', name: 'after-smoke.csv' },
        goldenPath('late.csv'),
      )
      expect(await jobOf(runtime(), dropped.executionArn)).toMatchObject({ status: 'SKIPPED' })
    }, 60_000)

    test('DEP-11: a version through which every smoke file passes becomes live, by the share that is asked for', async () => {
      const mended = await publish((definition) =>
        definition.replaceAll('transform-gone', 'transform-small').replace('ingest/v1:', 'ingest/v1 mended:'),
      )
      expect(await promote('--weight', '10')).toMatchObject({
        exitCode: 0,
        answer: {
          promoted: true,
          live: [
            { version: mended, weight: 10 },
            { version: 1, weight: 90 },
          ],
          outcomes: [
            { dataset: 'orders', passed: true, job: { tenantId: 'smoke', counts: { input: 8, unchanged: 8 } } },
          ],
        },
      })
    }, 60_000)
  })
}
