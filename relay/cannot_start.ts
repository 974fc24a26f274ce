/** Something that the process cannot do without is not there; the message is for the operator. */
export class CannotStart extends Error {
  override readonly name = "CannotStart";
}
