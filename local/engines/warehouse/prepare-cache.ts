import type { Access } from './access.ts'
import { type MergeParts, type PrepareContext, type PreparedStatement, prepareStatement } from './prepare.ts'
import type { Relation } from './relations.ts'
import { SqlError } from './sql-error.ts'

/** A run's id in the name of its staging table: a load's statements differ in nothing else. */
const RUN_ID = /j[0-9a-f]{24}_\d{1,6}_\d{1,6}/
const STAND_IN = `j${'0'.repeat(24)}_0_0`
const MAX_ENTRIES = 300

/** What preparing a statement asked, and was answered: the same answers give the same result. */
interface Observation {
  /** @param show puts the run's id of the statement at hand where the stand-in is */
  ask(context: PrepareContext, show: (text: string) => string): Promise<string>
  readonly answer: string
}

interface Entry {
  readonly observations: readonly Observation[]
  readonly prepared: PreparedStatement
}

/** Text with the run's id taken out, and how to put it back. */
function withoutRun(sql: string): { readonly text: string; hide(name: string): string; show(text: string): string } {
  const id = RUN_ID.exec(sql)?.[0]
  if (id === undefined || sql.includes(STAND_IN)) return { text: sql, hide: (name) => name, show: (text) => text }
  const hide = (text: string): string => text.replaceAll(id, STAND_IN)
  return { text: hide(sql), hide, show: (text) => text.replaceAll(STAND_IN, id) }
}

const describeRelation = (relation: Relation | null): string =>
  relation === null
    ? 'none'
    : `${relation.kind} ${relation.segmented} ${relation.schema} ${relation.columns.map(({ name, type }) => `${name} ${type}`).join()}`

/** The context as preparation sees it: run ids hidden, every question and answer written down. */
function observed(
  context: PrepareContext,
  hide: (name: string) => string,
  show: (text: string) => string,
): { readonly context: PrepareContext; readonly observations: Observation[] } {
  const observations: Observation[] = []
  type Show = (text: string) => string
  const note = <T>(ask: (context: PrepareContext, show: Show) => T, print: (answer: T) => string = String): T => {
    const answer = ask(context, show)
    observations.push({ answer: print(answer), ask: async (later, showLater) => print(ask(later, showLater)) })
    return answer
  }
  const access: Access = {
    user: note((later) => later.access.user),
    superuser: note((later) => later.access.superuser),
    may: (privilege, securable) => note((later, shown) => later.access.may(privilege, shown(securable))),
    owns: (relation) => note((later, shown) => later.access.owns(shown(relation))),
    policies: (relation) =>
      note(
        (later, shown) => later.access.policies(shown(relation)),
        (policies) => JSON.stringify(policies),
      ),
  }
  return {
    observations,
    context: {
      access,
      defaultSchema: note((later) => later.defaultSchema),
      lookup: {
        async find({ schema, name }) {
          const ask = (later: PrepareContext, shown: Show): Promise<Relation | null> =>
            later.lookup.find({ schema, name: shown(name) })
          const relation = await ask(context, show)
          observations.push({
            answer: describeRelation(relation),
            ask: async (later, shown) => describeRelation(await ask(later, shown)),
          })
          return relation === null ? null : { ...relation, name: hide(relation.name) }
        },
      },
    },
  }
}

const showName = (
  named: { readonly schema: string; readonly name: string },
  show: (text: string) => string,
): { schema: string; name: string } => ({ schema: named.schema, name: show(named.name) })

const showMerge = ({ matches, replacement, copied }: MergeParts, show: (text: string) => string): MergeParts => ({
  matches: show(matches),
  replacement: replacement === null ? null : show(replacement),
  copied: copied === null ? null : { source: showName(copied.source, show), columns: copied.columns },
})

const showPrepared = (prepared: PreparedStatement, show: (text: string) => string): PreparedStatement => {
  const { kind, widening, sql, target, merge, onSegments } = prepared
  const affected = onSegments?.affected ?? null
  return {
    kind,
    widening,
    sql: show(sql),
    target: target === null ? null : showName(target, show),
    merge: merge === null ? null : showMerge(merge, show),
    onSegments: onSegments === null ? null : { ...onSegments, affected: affected === null ? null : show(affected) },
  }
}

/** Prepares statements, and remembers the translation of those that differ in a run's id only. */
export interface StatementPreparer {
  prepare(sql: string, context: PrepareContext): Promise<PreparedStatement>
}

/** Translating a load of 60 columns takes half a second; checking that a remembered one still holds takes none. */
export function statementPreparer(): StatementPreparer {
  const entries = new Map<string, Entry>()
  const stillHolds = async (
    entry: Entry,
    context: PrepareContext,
    show: (text: string) => string,
  ): Promise<boolean> => {
    for (const { ask, answer } of entry.observations) if ((await ask(context, show)) !== answer) return false
    return true
  }
  return {
    async prepare(sql, context) {
      const { text, hide, show } = withoutRun(sql)
      const known = entries.get(text)
      entries.delete(text)
      if (known !== undefined && (await stillHolds(known, context, show))) {
        entries.set(text, known)
        return showPrepared(known.prepared, show)
      }
      const { context: watched, observations } = observed(context, hide, show)
      try {
        const prepared = await prepareStatement(text, watched)
        entries.set(text, { observations, prepared })
        const [oldest] = entries.keys()
        if (entries.size > MAX_ENTRIES && oldest !== undefined) entries.delete(oldest)
        return showPrepared(prepared, show)
      } catch (thrown) {
        throw thrown instanceof SqlError ? new SqlError(show(thrown.message), { cause: thrown }) : thrown
      }
    },
  }
}
