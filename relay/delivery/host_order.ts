/** The addresses of a next hop one after another, best host first, looked up when a host's turn comes. */
import type { HostsHop, NextHop } from "./next_hop.ts";
import { ownVerdict, type Verdict } from "./outcome.ts";
import type { RemoteAddress } from "./smtp_session.ts";

/** Addresses that are tried for one message in one round; the rest may have their turn at the next attempt. */
const MAX_ADDRESSES_PER_ROUND = 10;

export type Candidate =
  | { readonly kind: "address"; readonly remote: RemoteAddress }
  /** This host cannot be dialled; the verdict leaves the others their chance. */
  | { readonly kind: "none"; readonly host: string; readonly verdict: Verdict };

export async function* candidates(hop: HostsHop): AsyncGenerator<Candidate> {
  let dialled = 0;
  for (const host of hop.hosts) {
    const found = await host.addresses();
    if (found.kind !== "addresses") {
      const verdict = verdictOfTroubleInDns(found, false);
      yield { kind: "none", host: host.name, verdict };
      continue;
    }
    for (const address of found.addresses) {
      if (dialled++ === MAX_ADDRESSES_PER_ROUND) return;
      yield { kind: "address", remote: { name: host.name, address, port: host.port, tlsPolicy: host.tlsPolicy } };
    }
  }
}

/** @param settled whether it is about the recipient's domain, and not about one of its hosts. */
export function verdictOfTroubleInDns(trouble: Exclude<NextHop, HostsHop>, settled: boolean): Verdict {
  const kind = trouble.kind === "permanent" ? "failed" : "deferred";
  return ownVerdict(kind, trouble.enhanced, `${trouble.code} ${trouble.enhanced} ${trouble.text}`, settled);
}
