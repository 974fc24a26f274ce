/**
 * The words for each reason of the policy: a refusal becomes the reply that a mail client shows or a server logs.
 *
 * The table is exhaustive: a new reason without a reply does not compile. Times are RFC 3339 in UTC.
 */
import { Reason, type Verdict } from "../../policy/mod.ts";
import { MAX_HEADER_OCTETS } from "../protocol/header_scan.ts";
import { tooBig } from "../protocol/replies.ts";
import { type Reply, reply } from "../protocol/reply.ts";
import { MAX_AUTHOR_DOMAINS, MAX_FROM_OCTETS } from "./author_domains.ts";

/** What the call site knows beyond the verdict. */
export interface RefusalContext {
  /** Epoch ms. */
  readonly now: number;
  /** The domain that was looked at, where one was. */
  readonly domain?: string;
  /** A domain the account uses that differs by one edit. */
  readonly didYouMean?: string | undefined;
}

type RefusalReason = Exclude<Reason, Reason.Accepted>;
type DataOf<R, V = Verdict> = V extends { readonly reason: infer Reasons } ? R extends Reasons ? V : never : never;
type Wording = { readonly [R in RefusalReason]: (verdict: DataOf<R>, context: RefusalContext) => Reply };

const wording: Wording = {
  [Reason.AuthenticationRequired]: () => reply(530, "5.7.0", "Authentication required"),
  [Reason.AccountSuspended]: () => reply(550, "5.7.1", "Account suspended: contact the service's operator"),
  [Reason.NoBlock]: () => reply(550, "5.7.1", "No relay blocks on this account"),
  [Reason.BlockPending]: ({ activatesAt }, { now }) =>
    reply(
      451,
      "4.7.1",
      `Temporary local error: service activates at ${time(activatesAt)} (in ${minutes(activatesAt - now)})`,
    ),
  [Reason.QuotaExceeded]: ({ used, limit, need, resetsAt, pendingActivatesAt }) => {
    const pending = pendingActivatesAt === null ? "" : `; more relays activate at ${time(pendingActivatesAt)}`;
    return reply(
      451,
      "4.7.1",
      `Daily relay quota exceeded: ${used} of ${limit} used, this needs ${need}; resets at ${time(resetsAt)}${pending}`,
    );
  },
  [Reason.ReservationRefused]: () => reply(451, "4.3.0", "Temporary local error: relays could not be reserved"),
  [Reason.MessageTooBig]: ({ limit }) => tooBig(limit),
  [Reason.TooManyRecipients]: ({ limit }) =>
    reply(452, "4.5.3", `Too many recipients: at most ${limit} for one message`),
  [Reason.TooManyHops]: ({ limit }) =>
    reply(554, "5.4.6", `Too many hops: over ${limit} Received fields, the message is probably in a loop`),
  [Reason.BareLineEnding]: () => reply(550, "5.6.0", "Bare CR or LF: the sending program must end lines with CRLF"),
  [Reason.SeveralFrom]: () => reply(550, "5.6.0", "More than one From field: a message has one (RFC 5322 3.6)"),
  [Reason.HeaderTooLong]: () =>
    reply(552, "5.3.4", `Header too long: at most ${MAX_HEADER_OCTETS} bytes before the empty line`),
  [Reason.FromTooLong]: () =>
    reply(
      550,
      "5.6.0",
      `From field too long: at most ${MAX_FROM_OCTETS} bytes and ${MAX_AUTHOR_DOMAINS} domains`,
    ),
  [Reason.SenderDomainMissing]: (_, context) =>
    reply(550, "5.1.8", `Sender verify failed: domain ${context.domain} does not exist; ${spelling(context)}`),
  [Reason.SenderNoUsableRecord]: ({ record }, context) =>
    reply(550, "5.1.8", `Sender verify failed: domain ${context.domain} ${RECORD[record]}; ${spelling(context)}`),
  [Reason.SenderNullMx]: (_, { domain }) =>
    reply(550, "5.7.27", `Sender verify failed: domain ${domain} says by a null MX that it takes no mail`),
  [Reason.SenderDnsFailed]: (_, { domain }) =>
    reply(451, "4.4.3", `Temporary local error: DNS lookup of ${domain} failed; try again later`),
  [Reason.DomainOfAnotherAccount]: (_, { domain }) =>
    reply(
      550,
      "5.7.1",
      `Domain ${domain} belongs to another account: send with an address of your own, or with that account`,
    ),
  [Reason.RecipientDomainMissing]: (_, { domain }) =>
    reply(550, "5.1.2", `Recipient's domain ${domain} does not exist; check the spelling`),
  [Reason.RecipientNullMx]: (_, { domain }) =>
    reply(556, "5.1.10", `Recipient's domain ${domain} says by a null MX that it takes no mail`),
};

const RECORD: Readonly<Record<DataOf<Reason.SenderNoUsableRecord>["record"], string>> = {
  "nothing": "has no MX, A or AAAA record",
  "mx-names-address": "has an MX record that names an IP address instead of a host",
  "mx-unresolvable": "has MX records whose hosts have no A or AAAA record",
};

/** The reply for a verdict, or null if it accepts. */
export function refusal(verdict: Verdict, context: RefusalContext): Reply | null {
  if (verdict.reason === Reason.Accepted) return null;
  // The table's type pairs each reason with its own data; TypeScript cannot follow that through an index.
  const words = wording[verdict.reason] as (verdict: Verdict, context: RefusalContext) => Reply;
  return words(verdict, context);
}

/** RFC 3339 in UTC, to the second: a block is active at its second, so the time is rounded up. */
function time(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

/** A wait in words, rounded up to minutes. */
export function minutes(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms / 60_000));
  return whole === 1 ? "1 minute" : `${whole} minutes`;
}

function spelling({ didYouMean }: RefusalContext): string {
  return didYouMean === undefined ? "check the spelling" : `did you mean ${didYouMean}?`;
}
