/** What a module did that none may do. The decision is not made, and whoever asked is told to come again (451). */
export class PolicyFault extends Error {
  override readonly name = "PolicyFault";

  /**
   * @param kind `timeout`: it did not answer in time; `trap`: it failed; `growth`: its memory is not what it was;
   * `nonsense`: its answer has no meaning here.
   */
  constructor(readonly kind: "timeout" | "trap" | "growth" | "nonsense", detail: string, options?: ErrorOptions) {
    super(`${kind}: ${detail}`, options);
  }
}
