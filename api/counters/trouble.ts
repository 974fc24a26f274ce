/** The counters could not be asked; what was asked may have happened. */
export class CountersUnavailable extends Error {
  override readonly name = "CountersUnavailable";
}
