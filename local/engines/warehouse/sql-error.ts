/** An error of the database itself: what `DescribeStatement.Error` says, without the leading `ERROR: `. */
export class SqlError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SqlError'
  }
}
