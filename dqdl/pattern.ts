export { patternProblem } from '../core/re2-pattern.ts'
