import { SluiceError } from '../core/errors.ts'

/** Reads settings of a function; a missing one names itself at the first use. */
export type Environment = (name: string) => string

/** @throws SluiceError `missing_setting` when a variable is read that is not set */
export const environmentOf =
  (variables: Readonly<Record<string, string | undefined>>): Environment =>
  (name) => {
    const value = variables[name]
    if (value !== undefined && value !== '') return value
    throw new SluiceError('missing_setting', `Cannot start as the environment variable ${name} is not set`, {
      expected: name,
    })
  }
