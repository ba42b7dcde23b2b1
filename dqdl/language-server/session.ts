import type { TextDocument } from 'vscode-languageserver-textdocument'
import type { Contract } from '../../core/contract.ts'
import { leavesOf } from '../ast.ts'
import { LintMemo } from '../lint/lint-memo.ts'
import { type Finding, lintParsed } from '../lint.ts'
import { type ParseResult, parseRuleset } from '../parse.ts'
import { ParseMemo } from '../parse-memo.ts'
import { translateRuleset } from '../spark-sql.ts'
import type { SqlTranslations } from '../sql-translation.ts'

/** Rules whose SQL is translated before something else may happen. */
const RULES_AT_ONCE = 20

/** One open ruleset from edit to edit. */
export class RulesetSession {
  readonly #memo = new ParseMemo()
  #lintMemo = new LintMemo()
  #contract: Contract | null = null
  #parsed: ParseResult = parseRuleset('')
  #version = -1
  #translations: SqlTranslations = {}

  get contract(): Contract | null {
    return this.#contract
  }
  set contract(contract: Contract | null) {
    this.#contract = contract
    this.#lintMemo = new LintMemo()
  }

  /** Parsed once for each version of the text. */
  parsed(document: TextDocument): ParseResult {
    if (document.version !== this.#version) this.#parsed = parseRuleset(document.getText(), this.#memo)
    this.#version = document.version
    return this.#parsed
  }

  /** Everything that is known now; SQL that was not read yet is not judged. */
  findings(document: TextDocument): readonly Finding[] {
    const contract = this.#contract
    return lintParsed(this.parsed(document), {
      memo: this.#lintMemo,
      translations: this.#translations,
      ...(contract === null ? {} : { contract }),
    })
  }

  /**
   * Reads where clauses and SQL statements that are new, some at a time.
   * @param isCurrent asked before each part: false when the text has changed again
   * @returns true when there were some
   */
  async readSql(document: TextDocument, isCurrent: () => boolean): Promise<boolean> {
    const { ruleset } = this.parsed(document)
    const isNew = (text: string | null | undefined): boolean => text != null && !Object.hasOwn(this.#translations, text)
    const rules = ruleset.rules
      .flatMap((rule) => leavesOf(rule))
      .filter(({ where, type, parameters }) => isNew(where) || (type === 'CustomSql' && isNew(parameters[0]?.text)))
    for (let index = 0; index < rules.length && isCurrent(); index += RULES_AT_ONCE) {
      const part = { ...ruleset, rules: rules.slice(index, index + RULES_AT_ONCE) }
      this.#translations = { ...this.#translations, ...(await translateRuleset(part)) }
      await new Promise((resolve) => setImmediate(resolve))
    }
    return rules.length > 0
  }
}
