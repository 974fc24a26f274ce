/** What EHLO offers (RFC 5321 4.1.1.1), as the session stands. Pure. */
import { type Reply, reply } from "../protocol/reply.ts";
import type { Session, SessionRules } from "./session_types.ts";

/** The reply to a greeting that was accepted: one line to HELO, the extensions to EHLO. */
export function helloReply(session: Session, rules: SessionRules): Reply {
  if (!session.extended) return reply(250, null, rules.hostname);
  let byState = cache.get(rules);
  if (byState === undefined) cache.set(rules, byState = new Map());
  const state = session.tls === null ? "plain" : "tls";
  let found = byState.get(state);
  if (found === undefined) byState.set(state, found = reply(250, null, rules.hostname, ...keywords(session, rules)));
  return found;
}

/** There are only two such replies for a server; they are encoded once. */
const cache = new WeakMap<SessionRules, Map<"plain" | "tls", Reply>>();

function keywords(session: Session, rules: SessionRules): string[] {
  const secure = session.tls !== null;
  return [
    "PIPELINING", // RFC 2920
    `SIZE ${rules.maxMessageBytes}`, // RFC 1870
    "8BITMIME", // RFC 6152
    "SMTPUTF8", // RFC 6531
    "CHUNKING", // RFC 3030
    "DSN", // RFC 3461
    "ENHANCEDSTATUSCODES", // RFC 2034
    ...(secure ? [] : ["STARTTLS"]), // RFC 3207 4.2: not offered once TLS is active
    ...(secure || rules.allowPlaintextAuth ? ["AUTH PLAIN LOGIN"] : []), // RFC 4954
    `LIMITS RCPTMAX=${rules.maxRecipients} MAILMAX=${rules.maxMessages}`, // RFC 9422
  ];
}
