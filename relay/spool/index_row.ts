/** What the index says of a message beside where it lies and how it stands: from its envelope. Pure. */
import type { Envelope } from "../envelope.ts";
import type { IndexRow } from "./index_store.ts";

export function indexFacts(envelope: Envelope): Pick<IndexRow, "id" | "account" | "receivedAt" | "domains"> {
  const { id, account, receivedAt, recipients } = envelope;
  return { id, account, receivedAt, domains: recipients.map(domainOf) };
}

/** Of a forward path: what stands behind the last @, in lower case. */
export function domainOf(forwardPath: string): string {
  return forwardPath.slice(forwardPath.lastIndexOf("@") + 1).toLowerCase();
}
