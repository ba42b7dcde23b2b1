const NAMES = new Set(['NotFound', 'NoSuchKey', 'NoSuchVersion'])

/** Whether S3 answered that there is no such object or version; HEAD has no better name for it than `NotFound`. */
export const isAbsent = (thrown: unknown): boolean => thrown instanceof Error && NAMES.has(thrown.name)
