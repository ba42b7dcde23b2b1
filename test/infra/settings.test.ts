import { describe, expect, test } from '@jest/globals'
import { readSettings } from '../../infra/settings.ts'

const settingsOf = (context: Record<string, unknown>, environment: Record<string, string> = {}) =>
  readSettings({ context: (name) => context[name], environment, root: '/repository' })

describe('readSettings', () => {
  test('defaults to the account and region of the laptop', () =>
    expect(settingsOf({})).toMatchObject({
      account: '000000000000',
      region: 'us-east-2',
      contractsFolder: '/repository/contracts',
      rulesFolder: '/repository/dq-rules',
    }))

  test('takes the environment, and the context before it', () => {
    const environment = { CDK_DEFAULT_REGION: 'eu-west-1', SLUICE_CONTRACTS: '/elsewhere' }
    expect(settingsOf({}, environment)).toMatchObject({ region: 'eu-west-1', contractsFolder: '/elsewhere' })
    expect(settingsOf({ region: 'eu-west-2' }, environment)).toMatchObject({ region: 'eu-west-2' })
  })

  test('holds live on a version only where one is named', () => {
    expect(settingsOf({}).liveVersion).toBeNull()
    expect(settingsOf({ liveVersion: '3' }).liveVersion).toBe(3)
    expect(() => settingsOf({ liveVersion: '$LATEST' })).toThrow('Cannot use liveVersion')
  })

  test('refuses a part that S3 would refuse', () =>
    expect(() => settingsOf({ copyPartBytes: 1024 })).toThrow(
      'Cannot use copyPartBytes as it must be an integer from 5242880 to 5368709120',
    ))
})
