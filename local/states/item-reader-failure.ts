/** The items of a distributed Map cannot be read: `States.ItemReaderFailed`. */
export class ItemReaderFailure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ItemReaderFailure'
  }
}
