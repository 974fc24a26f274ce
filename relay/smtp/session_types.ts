/**
 * The SMTP session's states, and what it is told and what it wants done. Types only.
 *
 * `step` (session.ts) turns a session and an input into the next session and effects; the connection loop runs the
 * effects and feeds their results back as inputs.
 */
import type { RecipientDsnRequest } from "../envelope.ts";
import type { Reply } from "../protocol/reply.ts";
import type { Credentials, Exchange } from "./auth_exchange.ts";
import type { MailArguments } from "./mail_command.ts";

/** A mail transaction that policy admitted at MAIL (RFC 5321 3.3). */
export interface Transaction extends MailArguments {
  /** Whose relays it uses. */
  readonly account: string;
  /** Forward paths in the order of RCPT. */
  readonly recipients: readonly string[];
  /** Parallel to the recipients: what RCPT said about DSNs. */
  readonly recipientDsn: readonly (RecipientDsnRequest | null)[];
  /** Parallel to the recipients: why nothing is sent to one that was accepted all the same; null: mail is sent. */
  readonly skipped: readonly (string | null)[];
}

/** A message has as many recipients as it may. */
export interface Beyond {
  /** What each further one is answered with; it asks the client to send to them in another transaction. */
  readonly reply: Reply;
  /** How many there were. */
  readonly recipients: number;
}

/** Where a session stands; the envelope exists only where it is legal. */
export type State =
  /** Before EHLO or HELO. */
  | { readonly at: "Greeting" }
  /** Greeted, outside a transaction. */
  | { readonly at: "Ready" }
  /** Inside an AUTH exchange: the next line is a response. */
  | { readonly at: "Auth"; readonly exchange: Exchange }
  /** Behind MAIL. */
  | { readonly at: "Envelope"; readonly transaction: Transaction; readonly beyond?: Beyond }
  /** Behind DATA or the last BDAT, until its reply. */
  | { readonly at: "Data"; readonly transaction: Transaction }
  /** Behind a BDAT that is not the last; only BDAT, and what ends the transaction, may follow (RFC 3030 2). */
  | { readonly at: "Chunks"; readonly transaction: Transaction; readonly octets: number }
  | { readonly at: "Closed" };

/** What a session offers: the same for all sessions of a server. */
export interface SessionRules {
  readonly hostname: string;
  readonly maxMessageBytes: number;
  readonly maxRecipients: number;
  readonly allowPlaintextAuth: boolean;
  /** For `<Postmaster>` without a domain. */
  readonly serviceName: string;
  /** Commands in error after which a session is ended. */
  readonly maxErrors: number;
  /** Commands that lead nowhere (NOOP, RSET, …), since the last message, after which a session is ended. */
  readonly maxJunkCommands: number;
  /** Messages on one connection; then another has to be opened (RFC 9422 MAILMAX). */
  readonly maxMessages: number;
}

export interface Session {
  readonly state: State;
  /** What the client said in EHLO or HELO; null before. */
  readonly helo: string | null;
  /** Whether it said EHLO. */
  readonly extended: boolean;
  /** Version and cipher; null on a plain connection. */
  readonly tls: string | null;
  /** The account that logged in. */
  readonly login: string | null;
  /** Commands that were not understood or not in place; a recipient that is refused is none of them. */
  readonly errors: number;
  /** Commands that led nowhere, since the last message. */
  readonly junkCommands: number;
  /** Senders and recipients that were refused, since the last message; not those beyond what one message may have. */
  readonly refusals: number;
  /** Transactions that were begun. */
  readonly messages: number;
}

/** What happens to a session. Results of effects bear what was asked, so that no state has to wait for them. */
export type Input =
  | { readonly is: "connected" }
  /** A command or response line without its CRLF. */
  | { readonly is: "line"; readonly text: string }
  /** A line that is none: too long, a bare LF, not UTF-8. */
  | { readonly is: "bad-line"; readonly reply: Reply }
  | { readonly is: "secured"; readonly tls: string }
  | { readonly is: "login"; readonly verdict: Admitted<{ readonly account: string }> }
  | { readonly is: "mail"; readonly mail: MailArguments; readonly verdict: Admitted<{ readonly account: string }> }
  | {
    readonly is: "recipient";
    readonly address: string;
    readonly dsn: RecipientDsnRequest | null;
    readonly verdict: Admitted<{ readonly skip: string | null }>;
  }
  /** A chunk that is not the last was read. */
  | { readonly is: "chunk"; readonly octets: number }
  /** Octets that nobody wants were read. */
  | { readonly is: "skipped"; readonly reply: Reply }
  /** The content has been read and its fate decided. */
  | { readonly is: "message"; readonly reply: Reply }
  | { readonly is: "ended"; readonly reply: Reply };

export type Admitted<T> = T | { readonly refusal: Reply };

/** What the connection loop has to do, in this order; one that is answered by an input is the last. */
export type Effect =
  | { readonly do: "reply"; readonly reply: Reply }
  | { readonly do: "close" }
  /** TLS handshake; answered by `secured`. */
  | { readonly do: "secure" }
  /** Answered by `login`. */
  | { readonly do: "login"; readonly credentials: Credentials }
  /** Answered by `mail`. */
  | { readonly do: "admit-mail"; readonly mail: MailArguments; readonly login: string | null }
  /** Answered by `recipient`. */
  | {
    readonly do: "admit-recipient";
    readonly transaction: Transaction;
    readonly address: string;
    readonly domain: string;
    readonly dsn: RecipientDsnRequest | null;
  }
  /** Read the data, decide and store; answered by `message`. */
  | { readonly do: "receive"; readonly transaction: Transaction }
  /** Read a chunk; behind the last, decide and store. Answered by `chunk`, or by `message` if it was the last. */
  | {
    readonly do: "receive-chunk";
    readonly transaction: Transaction;
    readonly octets: number;
    readonly last: boolean;
  }
  /** Read so many octets and forget them; answered by `skipped`. */
  | { readonly do: "skip"; readonly octets: number; readonly reply: Reply };

export interface Step {
  readonly session: Session;
  readonly effects: readonly Effect[];
}
