/**
 * How the connections are shared out, so that neither one account's mail nor mail to silent servers takes them all.
 *
 * Pure. Connections are counted by share: a share is the mail of one account to destinations that answered lately, or
 * its mail to all others. While more than a reserve is free, whoever comes gets one. Of the reserve, a share gets
 * another one as long as it has fewer than are left free, as with messages in hand (`delivery.ts`): each that takes all
 * it may leaves half of it to the next. Where shares wait, the one with the fewest goes first.
 */

/** Of all connections. */
const RESERVE = 0.1;

export class Share {
  /** Connections in use. */
  held = 0;
}

/** Of one account, as long as it has messages in hand. */
export class AccountShares {
  /** For destinations whose last attempt was served. */
  readonly proven = new Share();
  readonly unproven = new Share();
}

export class ConnectionShares {
  readonly #reserve: number;
  #held = 0;

  /** @param limit connections in all. */
  constructor(private readonly limit: number) {
    this.#reserve = Math.round(RESERVE * limit);
  }

  /** Connections in use, of all shares. */
  get held(): number {
    return this.#held;
  }

  mayTake({ held }: Share): boolean {
    const free = this.limit - this.#held;
    return free > this.#reserve || held < free;
  }

  take(share: Share): void {
    share.held++;
    this.#held++;
  }

  giveBack(share: Share): void {
    share.held--;
    this.#held--;
  }

  /** Of those, the one that goes first; of equals, the first that is named. */
  neediest(shares: Iterable<Share>): Share | undefined {
    let neediest: Share | undefined;
    for (const share of shares) {
      if (neediest === undefined || share.held < neediest.held) neediest = share;
    }
    return neediest !== undefined && this.mayTake(neediest) ? neediest : undefined;
  }
}
