import type { Position } from './ast.ts'
import type { SyntaxExpression, SyntaxLabels } from './syntax.ts'

type Movable = { -readonly [K in keyof Position]: Position[K] }

const move = (at: Position | null, lines: number): void => {
  if (at !== null) (at as Movable).line += lines
}
function moveLabels(labels: SyntaxLabels | null, lines: number): void {
  if (labels === null) return
  move(labels.at, lines)
  for (const { at } of labels.pairs) move(at, lines)
}

/**
 * Moves every place in a rule, in place: what was checked and found of it shares the places and moves with it. Only for
 * {@link ParseMemo}, whose earlier results nobody uses any more.
 */
export function moveLines(expression: SyntaxExpression, lines: number): void {
  move(expression.at, lines)
  moveLabels(expression.labels, lines)
  if (expression.kind === 'composite') {
    for (const part of expression.parts) moveLines(part, lines)
    return
  }
  move(expression.conditionAt, lines)
  move(expression.whereAt, lines)
  for (const { at } of expression.parameters) move(at, lines)
  for (const { at } of expression.tags) move(at, lines)
  if (expression.condition?.kind !== 'text') return
  for (const operand of expression.condition.operands) if (operand.kind === 'variable') move(operand.at, lines)
}
