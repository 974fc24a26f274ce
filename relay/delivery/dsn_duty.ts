/**
 * Which DSN a recipient's ending calls for, by what the sender asked for (RFC 3461 5.2). Pure.
 *
 * | NOTIFY          | failed | passed on to a server without DSN | late     |
 * |-----------------|--------|-----------------------------------|----------|
 * | not given       | failed |                                   | delayed  |
 * | NEVER           |        |                                   |          |
 * | with SUCCESS    |        | relayed                           |          |
 * | with FAILURE    | failed |                                   |          |
 * | with DELAY      |        |                                   | delayed  |
 *
 * A server with DSN was given the request, and reports of success from there on. Nothing is ever reported to the null
 * reverse path (RFC 3461 5.2, RFC 3464 2). A delay is reported once for each recipient.
 */
import type { DeliveryStatus, Envelope, NotifyOccasion } from "../envelope.ts";

/** The Action of RFC 3464 2.3.3. */
export type DsnAction = "failed" | "delayed" | "relayed";

export interface Circumstances {
  readonly status: DeliveryStatus;
  /** Whether the server that took the message has DSN. */
  readonly dsnPassedOn: boolean;
  /** Since acceptance, in ms. */
  readonly ageMs: number;
  /** From when on a delay is reported. */
  readonly delayWarningMs: number;
  /** Whether the sender knows already. */
  readonly delayReported: boolean;
}

export function dsnActionFor(
  { reversePath, dsnRequest }: Pick<Envelope, "reversePath" | "dsnRequest">,
  recipient: number,
  { status, dsnPassedOn, ageMs, delayWarningMs, delayReported }: Circumstances,
): DsnAction | null {
  if (reversePath === "") return null;
  const notify = dsnRequest?.recipients[recipient]?.notify ?? BY_DEFAULT;
  switch (status) {
    case "bounced":
    case "expired":
      return notify.includes("FAILURE") ? "failed" : null;
    case "delivered":
      return notify.includes("SUCCESS") && !dsnPassedOn ? "relayed" : null;
    case "queued":
      return notify.includes("DELAY") && ageMs >= delayWarningMs && !delayReported ? "delayed" : null;
  }
}

/** RFC 3461 4.1: where NOTIFY is not given. */
const BY_DEFAULT: readonly NotifyOccasion[] = ["FAILURE", "DELAY"];
