/**
 * What each verdict is to the client: code, enhanced status and words. Pure.
 *
 * The table is exhaustive: a reason without a reply, or one whose data changes, does not compile. Whoever decides says
 * it by this table: the SMTP edge, the dry run, the list of decisions.
 */
import { Reason } from "./assembly/reason.ts";
import type { StageName } from "./facts.ts";
import type { Braked, Verdict } from "./verdict.ts";

/** A refusal as it is said: RFC 5321 4.2 and RFC 3463. */
export interface Refusal {
  readonly code: number;
  readonly status: string;
  readonly text: string;
}

/** What the words need beside the verdict's own data. */
export interface RefusalContext {
  readonly stage: StageName;
  /** Epoch ms. */
  readonly now: number;
  /** The sender's or recipient's domain. */
  readonly domain?: string;
  /** A domain the account uses that differs by one edit. */
  readonly didYouMean?: string | undefined;
  /** What the host scans of a message, for the refusals of what is longer. */
  readonly scan?: ScanLimits;
  /** Where the service's help pages are for everybody; null: nowhere. */
  readonly helpUrl?: string | null;
}

export interface ScanLimits {
  readonly headerOctets: number;
  readonly fromOctets: number;
  readonly authorDomains: number;
}

type RefusalReason = Exclude<Reason, Reason.Accepted>;
type DataOf<R, V = Verdict> = V extends { readonly reason: infer Reasons } ? R extends Reasons ? V : never : never;
type Wording = { readonly [R in RefusalReason]: (verdict: DataOf<R>, context: RefusalContext) => Refusal };

const encoder = new TextEncoder();

const ADVICE_ON_NDRS = "turn on recipient filtering on your server, or turn its reports off";

const wording: Wording = {
  [Reason.AuthenticationRequired]: () => say(530, "5.7.0", "Authentication required"),
  [Reason.AccountSuspended]: () => say(550, "5.7.1", "Account suspended: contact the service's operator"),
  [Reason.NoBlock]: () => say(550, "5.7.1", "No relay blocks on this account"),
  [Reason.BlockPending]: ({ activatesAt }, { now }) =>
    say(
      451,
      "4.7.1",
      `Temporary local error: service activates at ${time(activatesAt)} (in ${minutes(activatesAt - now)})`,
    ),
  [Reason.QuotaExceeded]: ({ used, limit, need, resetsAt, pendingActivatesAt }) => {
    const pending = pendingActivatesAt === null ? "" : `; more relays activate at ${time(pendingActivatesAt)}`;
    return say(
      451,
      "4.7.1",
      `Daily relay quota exceeded: ${used} of ${limit} used, this needs ${need}; resets at ${time(resetsAt)}${pending}`,
    );
  },
  [Reason.ReservationRefused]: () => say(451, "4.3.0", "Temporary local error: relays could not be reserved"),
  [Reason.Braked]: ({ measure, used, limit, resetsAt }) =>
    say(
      451,
      "4.7.1",
      `Far beyond this account's habit: ${
        brakedWords({ measure, used, limit })
      }; the operator has been told and can release ` +
        `it, or it ends at ${time(resetsAt)}. If this is not you, change the password`,
    ),
  [Reason.NdrRefused]: () =>
    say(550, "5.7.1", `Non-delivery reports are refused by this account's own choice: ${ADVICE_ON_NDRS}`),
  [Reason.NdrShareExceeded]: ({ used, limit, need, resetsAt }) =>
    say(
      451,
      "4.7.1",
      `Non-delivery reports have used ${used} of their ${limit} relays, this needs ${need}; resets at ` +
        `${time(resetsAt)}: ${ADVICE_ON_NDRS}`,
    ),
  [Reason.MessageTooBig]: ({ limit }) => say(552, "5.3.4", `Message too big: at most ${limit} bytes`),
  [Reason.TooManyRecipients]: ({ limit }) => say(452, "4.5.3", `Too many recipients: at most ${limit} for one message`),
  [Reason.TooManyHops]: ({ limit }) =>
    say(554, "5.4.6", `Too many hops: over ${limit} Received fields, the message is probably in a loop`),
  [Reason.BareLineEnding]: () => say(550, "5.6.0", "Bare CR or LF: the sending program must end lines with CRLF"),
  [Reason.SeveralFrom]: () => say(550, "5.6.0", "More than one From field: a message has one (RFC 5322 3.6)"),
  [Reason.HeaderTooLong]: (_, { scan }) =>
    say(552, "5.3.4", `Header too long${scan ? `: at most ${scan.headerOctets} bytes before the empty line` : ""}`),
  [Reason.FromTooLong]: (_, { scan }) =>
    say(
      550,
      "5.6.0",
      `From field too long${scan ? `: at most ${scan.fromOctets} bytes and ${scan.authorDomains} domains` : ""}`,
    ),
  [Reason.SenderDomainMissing]: (_, context) =>
    say(550, "5.1.8", `Sender verify failed: domain ${context.domain} does not exist; ${spelling(context)}`),
  [Reason.SenderNoUsableRecord]: ({ record }, context) =>
    say(550, "5.1.8", `Sender verify failed: domain ${context.domain} ${RECORD[record]}; ${spelling(context)}`),
  [Reason.SenderNullMx]: (_, { domain }) =>
    say(550, "5.7.27", `Sender verify failed: domain ${domain} says by a null MX that it takes no mail`),
  [Reason.SenderDnsFailed]: (_, { domain }) =>
    say(451, "4.4.3", `Temporary local error: DNS lookup of ${domain} failed; try again later`),
  [Reason.DomainOfAnotherAccount]: (_, { domain }) =>
    say(
      550,
      "5.7.1",
      `Domain ${domain} belongs to another account: send with an address of your own, or with that account`,
    ),
  [Reason.DomainUnclaimed]: (_, { domain }) =>
    say(
      550,
      "5.7.1",
      `Domain ${domain} is not claimed by this account: claim it, or send with an address of a domain that is`,
    ),
  [Reason.RecipientDomainMissing]: (_, { domain }) =>
    say(550, "5.1.2", `Recipient's domain ${domain} does not exist; check the spelling`),
  [Reason.RecipientNullMx]: (_, { domain }) =>
    say(556, "5.1.10", `Recipient's domain ${domain} says by a null MX that it takes no mail`),
  [Reason.RecipientSuppressed]: () =>
    say(
      550,
      "5.1.1",
      "Address failed for good before: its server said that there is no such mailbox. If there is one now, have it " +
        "cleared from this account's suppressed addresses",
    ),
  [Reason.TooManyConnections]: () => say(421, "4.7.0", "Too many connections: try again later"),
  [Reason.TooManyConnectionsFromAddress]: () =>
    say(421, "4.7.0", "Too many connections from your address: close some or try later"),
  [Reason.TooManyFailedLogins]: ({ waitMs }) =>
    say(454, "4.7.0", `Too many failed logins: try again in ${minutes(waitMs)}`),
  [Reason.AuthenticationFailed]: () =>
    say(535, "5.7.8", "Authentication failed: check the username (not the e-mail address) and password"),
  [Reason.PolicyFault]: (_, { stage }) => {
    const text = "Temporary local error: nobody could decide on this; try again later";
    if (stage === "connection") return say(421, "4.3.0", text);
    return stage === "login" ? say(454, "4.7.0", text) : say(451, "4.3.0", text); // RFC 4954 6
  },
};

/** The help page with more than a reply has room for. */
const HELP: { readonly [R in RefusalReason]?: string } = {
  [Reason.QuotaExceeded]: "quota",
  [Reason.Braked]: "acceptable-use",
  [Reason.NdrRefused]: "recipient-filtering",
  [Reason.NdrShareExceeded]: "recipient-filtering",
  [Reason.MessageTooBig]: "too-big",
  [Reason.TooManyRecipients]: "recipients",
  [Reason.SenderDomainMissing]: "sender-verify",
  [Reason.SenderNoUsableRecord]: "sender-verify",
  [Reason.SenderNullMx]: "sender-verify",
  [Reason.SenderDnsFailed]: "sender-verify",
  [Reason.DomainOfAnotherAccount]: "dns",
  [Reason.DomainUnclaimed]: "dns",
};
/** RFC 5321 4.5.3.1.5 has 512 octets for a line with its codes; an address that was cut would lead nowhere. */
const MAX_TEXT_OCTETS = 480;

/** What a refusal of this reason is explained by, of the help pages; null: the reply says it all. */
export function helpPageOf(reason: Reason): string | null {
  return reason === Reason.Accepted ? null : HELP[reason] ?? null;
}

const RECORD: Readonly<Record<DataOf<Reason.SenderNoUsableRecord>["record"], string>> = {
  "nothing": "has no MX, A or AAAA record",
  "mx-names-address": "has an MX record that names an IP address instead of a host",
  "mx-unresolvable": "has MX records whose hosts have no A or AAAA record",
};

const BRAKED: Readonly<Record<Braked["measure"], (used: number, limit: number) => string>> = {
  "relays": (used, limit) => `${used} relays today, at most ${limit} would pass`,
  "recipients": (used, limit) => `${used} different recipients today, at most ${limit} would pass`,
  "refused-recipients": (used, limit) => `${used} % of today's recipients were refused, at most ${limit} % would pass`,
};

/** What of an account's day is beyond its habit, and by how much. */
export function brakedWords({ measure, used, limit }: Pick<Braked, "measure" | "used" | "limit">): string {
  return BRAKED[measure](used, limit);
}

/** How a verdict is said, or null if it accepts. */
export function refusalOf(verdict: Verdict, context: RefusalContext): Refusal | null {
  if (verdict.reason === Reason.Accepted) return null;
  // The table's type pairs each reason with its own data; TypeScript cannot follow that through an index.
  const words = wording[verdict.reason] as (verdict: Verdict, context: RefusalContext) => Refusal;
  return withHelp(words(verdict, context), helpPageOf(verdict.reason), context.helpUrl ?? null);
}

/** The page's address stands at the end, where the room allows. */
function withHelp(refusal: Refusal, page: string | null, helpUrl: string | null): Refusal {
  if (page === null || helpUrl === null) return refusal;
  const text = `${refusal.text}; see ${helpUrl}/${page}`;
  return encoder.encode(text).length > MAX_TEXT_OCTETS ? refusal : { ...refusal, text };
}

function say(code: number, status: string, text: string): Refusal {
  return { code, status, text };
}

/** RFC 3339 in UTC, to the second: a block is active at its second, so the time is rounded up. */
function time(ms: number): string {
  return new Date(Math.ceil(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

/** A wait in words, rounded up to minutes. */
function minutes(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms / 60_000));
  return whole === 1 ? "1 minute" : `${whole} minutes`;
}

function spelling({ didYouMean }: RefusalContext): string {
  return didYouMean === undefined ? "check the spelling" : `did you mean ${didYouMean}?`;
}
