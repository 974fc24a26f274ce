/** The hosts of a next hop one after another, best first, each with its addresses, looked up when its turn comes. */
import type { HostsHop, NextHop } from "./next_hop.ts";
import { ownVerdict, type Verdict } from "./outcome.ts";
import type { RemoteHost } from "./smtp_session.ts";

/** Addresses that are tried for one message in one round; the rest may have their turn at the next attempt. */
const MAX_ADDRESSES_PER_ROUND = 10;

export type Candidate =
  /** At least one address. */
  | {
    readonly kind: "host";
    readonly host: RemoteHost;
    readonly addresses: readonly string[];
  }
  /** This host cannot be dialled; the verdict leaves the others their chance. */
  | { readonly kind: "none"; readonly host: string; readonly verdict: Verdict };

export async function* candidates(hop: HostsHop): AsyncGenerator<Candidate> {
  let left = MAX_ADDRESSES_PER_ROUND;
  for (const host of hop.hosts) {
    const found = await host.addresses();
    if (found.kind !== "addresses") {
      const verdict = verdictOfTroubleInDns(found, false);
      yield { kind: "none", host: host.name, verdict };
      continue;
    }
    const addresses = found.addresses.slice(0, left);
    left -= addresses.length;
    const { name, port, tlsPolicy } = host;
    yield { kind: "host", host: { name, port, tlsPolicy }, addresses };
    if (left === 0) return;
  }
}

/** @param settled whether it is about the recipient's domain, and not about one of its hosts. */
export function verdictOfTroubleInDns(trouble: Exclude<NextHop, HostsHop>, settled: boolean): Verdict {
  const kind = trouble.kind === "permanent" ? "failed" : "deferred";
  return ownVerdict(kind, trouble.enhanced, `${trouble.code} ${trouble.enhanced} ${trouble.text}`, settled);
}
