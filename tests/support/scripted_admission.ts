/**
 * An admission that decides by a few functions, so that a dialogue can be tested without accounts or DNS. It keeps a
 * record of what was granted, kept and refunded.
 */
import type { ConnectionFacts } from "../../policy/mod.ts";
import type { Admission, ReceivedMessage } from "../../relay/admission/admission.ts";
import { HeldReservation } from "../../relay/admission/admission.ts";
import { replies } from "../../relay/protocol/replies.ts";
import { type Reply, reply } from "../../relay/protocol/reply.ts";
import type { Credentials } from "../../relay/smtp/auth_exchange.ts";
import type { MailArguments } from "../../relay/smtp/mail_command.ts";
import type { Admitted, Transaction } from "../../relay/smtp/session_types.ts";

/** What is decided; the defaults know one account, "alice" with the password "secret". */
export interface Script {
  /** null: let in. */
  readonly connection: (facts: ConnectionFacts) => Reply | null;
  readonly login: (credentials: Credentials) => Admitted<{ readonly account: string }>;
  readonly mail: (mail: MailArguments, login: string | null) => Admitted<{ readonly account: string }>;
  /** null: accepted. */
  readonly recipient: (transaction: Transaction, domain: string) => Reply | null;
  readonly message: (facts: ReceivedMessage) => Reply | null;
}

export const AUTHENTICATION_REQUIRED = reply(530, "5.7.0", "Authentication required");
export const UNKNOWN_DOMAIN = reply(550, "5.1.2", "Recipient's domain does not exist");
export const BARE_LINE_ENDING = reply(550, "5.6.0", "Bare CR or LF");
export const TOO_BIG = reply(552, "5.3.4", "Message too big");

/** The size limit of the script and of the rules in these tests, in octets. */
export const MAX_MESSAGE_BYTES = 10_000;

export const defaultScript: Script = {
  connection: () => null,
  login: ({ username, password }) =>
    username === "alice" && password === "secret" ? { account: "alice" } : { refusal: replies.authFailed },
  mail: (_, login) => login === null ? { refusal: AUTHENTICATION_REQUIRED } : { account: login },
  recipient: (_, domain) => domain === "missing.example" ? UNKNOWN_DOMAIN : null,
  message: ({ bareLineEndings, sizeBytes }) =>
    bareLineEndings ? BARE_LINE_ENDING : sizeBytes > MAX_MESSAGE_BYTES ? TOO_BIG : null,
};

/** The script in the shape of the real one. */
export class ScriptedAdmission implements Pick<Admission, "connection" | "login" | "mail" | "recipient" | "message"> {
  /** What each message was found to be. */
  readonly facts: ReceivedMessage[] = [];
  /** Message ids. */
  readonly granted: string[] = [];
  readonly refunded: string[] = [];
  readonly #script: Script;

  constructor(script: Partial<Script> = {}) {
    this.#script = { ...defaultScript, ...script };
  }

  connection(facts: ConnectionFacts): Reply | null {
    return this.#script.connection(facts);
  }

  // Async, so that what a script throws is a rejection, as it is with the real one.
  async login(credentials: Credentials): Promise<Admitted<{ account: string }>> {
    return await Promise.resolve(this.#script.login(credentials));
  }

  async mail(mail: unknown, login: string | null): Promise<Admitted<{ account: string }>> {
    return await Promise.resolve(this.#script.mail(mail as MailArguments, login));
  }

  async recipient(
    transaction: unknown,
    { domain }: { readonly domain: string },
  ): Promise<Admitted<{ skip: string | null }>> {
    const refusal = await Promise.resolve(this.#script.recipient(transaction as Transaction, domain));
    return refusal === null ? { skip: null } : { refusal };
  }

  async message(id: string, _: unknown, facts: ReceivedMessage): Promise<HeldReservation | { refusal: Reply }> {
    this.facts.push(facts);
    const refusal = this.#script.message(facts);
    if (refusal !== null) return { refusal };
    this.granted.push(id);
    return await Promise.resolve(
      new HeldReservation({ id, day: "2026-11-23", relays: 1, ndr: false }, "", () => {
        this.refunded.push(id);
        return Promise.resolve();
      }),
    );
  }
}
