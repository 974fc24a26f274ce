/** What the history says of a recipient that nothing is sent to. Pure. */
import type { SuppressionFacts } from "../../api/client.ts";

/** Why nothing is sent to `address`, and what to do where it works again; null: mail is sent. */
export function whySkipped(account: string, address: string, suppression: SuppressionFacts | null): string | null {
  if (suppression?.choice !== "skip") return null;
  const { reply, failedAt } = suppression;
  return `not sent, as the account has chosen for an address that failed for good: its server said at ` +
    `${new Date(failedAt).toISOString()}: ${reply}. If the address works again, have it cleared: ` +
    `mailhop suppression clear ${account} ${address}`;
}
