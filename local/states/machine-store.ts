import { digestOfJson } from '../../core/digest.ts'
import type { Json } from '../../core/json.ts'
import { ReadCache } from '../read-cache.ts'
import type { Collection, Store } from '../service.ts'
import { inTransaction } from './in-transaction.ts'

/** A state machine as it is now. Times in epoch milliseconds. */
export interface MachineRecord {
  readonly arn: string
  readonly name: string
  readonly type: 'STANDARD' | 'EXPRESS'
  /** Hash of the definition. */
  readonly definition: string
  /** Text as it was given. */
  readonly definitionText: string
  readonly roleArn: string
  readonly revisionId: string
  readonly createdAt: number
  readonly updatedAt: number
  /** Number of the newest version ever published. */
  readonly lastVersion: number
  readonly loggingConfiguration: Json
  readonly tracingConfiguration: Json
  readonly tags: Readonly<Record<string, string>>
  /** Deleted, but executions of it still run. */
  readonly deleting?: true
}

/** A numbered copy; never changes. */
export interface VersionRecord {
  readonly machineArn: string
  readonly number: number
  readonly definition: string
  readonly definitionText: string
  readonly roleArn: string
  readonly revisionId: string
  readonly description: string | null
  readonly createdAt: number
}

export interface AliasRecord {
  readonly machineArn: string
  readonly name: string
  readonly description: string | null
  readonly routes: readonly AliasRoute[]
  readonly createdAt: number
  readonly updatedAt: number
}

export interface AliasRoute {
  readonly versionArn: string
  /** 0 to 100. */
  readonly weight: number
}

/** Machines, versions, aliases and the definitions they and executions run on. What is written together, is by `change`. */
export class MachineStore {
  readonly machines: Collection<MachineRecord>
  readonly versions: Collection<VersionRecord>
  readonly aliases: Collection<AliasRecord>
  readonly definitions: Collection<Json>
  readonly #store: Store
  readonly #cache = new ReadCache()

  constructor(store: Store) {
    this.#store = store
    this.machines = this.#cache.over(store.collection('states.machines'))
    this.versions = this.#cache.over(store.collection('states.versions'))
    this.aliases = this.#cache.over(store.collection('states.aliases'))
    this.definitions = store.collection('states.definitions')
  }

  /** One durable transaction that writes machines, versions or aliases. */
  change(work: () => void): Promise<void> {
    return this.#cache.during(() => this.#store.transaction(work))
  }

  /** Inside a transaction. */
  saveDefinition(definition: Json): void {
    inTransaction(this.definitions.put([hashOfDefinition(definition)], definition))
  }

  versionsOf(machineArn: string): readonly VersionRecord[] {
    return [...this.versions.range([machineArn], { reverse: true })].map(({ value }) => value)
  }

  aliasesOf(machineArn: string): readonly AliasRecord[] {
    return [...this.aliases.range([machineArn])].map(({ value }) => value)
  }
}

/** Content address of a definition. */
export const hashOfDefinition = (definition: Json): string => digestOfJson(definition)

export const versionArnOf = ({ machineArn, number }: VersionRecord): string => `${machineArn}:${number}`
export const aliasArnOf = ({ machineArn, name }: AliasRecord): string => `${machineArn}:${name}`
