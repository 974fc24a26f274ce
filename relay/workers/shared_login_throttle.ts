/**
 * A login throttle that counts over all nodes of a process: what happens at one is told to the others.
 *
 * They hear of it within a millisecond or so, which is far less than the check of a password takes. A node that has
 * been started again begins with what happens from then on; the others still know.
 */
import { LoginThrottle } from "../admission/login_throttle.ts";
import type { LoginNews } from "./messages.ts";

export class SharedLoginThrottle extends LoginThrottle {
  readonly #tell: (news: LoginNews) => void;

  /** @param tell hears of what the other nodes are to take into account. */
  constructor(tell: (news: LoginNews) => void) {
    super();
    this.#tell = tell;
  }

  /** Takes into account what happened at another node. `now` is of this node's clock. */
  hear(news: LoginNews, now: number): void {
    const { username, address } = news;
    if ("succeeded" in news) super.succeeded(username, address);
    else super.failed(username, address, news.windowMs, now);
  }

  override failed(username: string, address: string, windowMs: number, now: number): void {
    super.failed(username, address, windowMs, now);
    this.#tell({ username, address, windowMs });
  }

  override succeeded(username: string, address: string): boolean {
    const isNew = super.succeeded(username, address);
    // Others need not hear it again with each login.
    if (isNew) this.#tell({ username, address, succeeded: true });
    return isNew;
  }
}
