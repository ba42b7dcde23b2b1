/** How Glue's lists are paged. */

export const GLUE_PAGING = { size: 100, invalidToken: 'InvalidInputException' }

/** The member that names the next page. */
export const nextToken = (next: string | undefined): { NextToken?: string } =>
  next === undefined ? {} : { NextToken: next }
