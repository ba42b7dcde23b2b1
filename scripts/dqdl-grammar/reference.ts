import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { SluiceError } from '../../core/errors.ts'

/** What the official parser says of one ruleset. */
export interface ReferenceVerdict {
  /** `crashed`: it threw what it does not declare. */
  readonly outcome: 'accepted' | 'refused' | 'crashed'
  /** The canonical text of each rule where it accepted, else the message. */
  readonly texts: readonly string[]
}

const decode = (text: string): string => Buffer.from(text, 'base64').toString('utf8')

function parseAnswer(line: string): ReferenceVerdict {
  const [outcome, ...fields] = line.split('\t')
  if (outcome !== 'accepted' && outcome !== 'refused' && outcome !== 'crashed')
    throw new SluiceError('reference_failed', `Cannot read the answer of the official parser: ${line}`)
  return { outcome, texts: fields.map(decode) }
}

/** Asks the official parser, in one process. @param jars folder with the parser and what it needs */
export async function askReference(rulesets: readonly string[], jars: string): Promise<readonly ReferenceVerdict[]> {
  const source = join(import.meta.dirname, 'Reference.java')
  const child = spawn('java', ['-Xss16m', '-cp', `${jars}/*`, source], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.end(rulesets.map((text) => `${Buffer.from(text, 'utf8').toString('base64')}\n`).join(''))
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  const lines = Buffer.concat(chunks).toString('ascii').split('\n').slice(0, -1)
  if (exitCode !== 0 || lines.length !== rulesets.length)
    throw new SluiceError(
      'reference_failed',
      `The official parser answered ${lines.length} of ${rulesets.length} (exit ${exitCode})`,
    )
  return lines.map(parseAnswer)
}
