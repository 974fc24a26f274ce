/** What the policy allows each request of a batch. Pure. */
import type { Caps, Request } from "./counters.ts";

/** In relays. */
export interface RequestLimit {
  readonly limit: number;
  /** Of these, those for non-delivery reports; null for other messages. */
  readonly ndr: number | null;
}

/** The policy fails for some requests of a batch. None was reserved; by themselves the others may be. */
export class LimitsUnknown extends Error {
  override readonly name = "LimitsUnknown";

  /** @param whys what was thrown, by the requests' ids. */
  constructor(readonly whys: ReadonlyMap<string, unknown>) {
    super(`the policy fails for ${whys.size} requests`);
  }
}

/** In the order of the requests. @throws {LimitsUnknown} */
export const limitsOf = (requests: readonly Request[], now: number, { cap, ndrCap }: Caps): RequestLimit[] => {
  const whys = new Map<string, unknown>();
  const limits = requests.flatMap(({ id, blocks, ndr }) => {
    try {
      return [{ limit: cap(blocks, now), ndr: ndr === null ? null : ndrCap(blocks, now, ndr) }];
    } catch (why) {
      whys.set(id, why);
      return [];
    }
  });
  if (whys.size > 0) throw new LimitsUnknown(whys);
  return limits;
};
