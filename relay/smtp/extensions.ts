/** What a server says of itself: its banner, and what EHLO offers (RFC 5321 4.1.1.1) as the session stands. Pure. */
import { banner } from "../protocol/replies.ts";
import { type Reply, reply } from "../protocol/reply.ts";
import type { Session, SessionRules } from "./session_types.ts";

/** What a client hears first. */
export function greeting(rules: SessionRules): Reply {
  return repliesOf(rules).greeting ??= banner(rules.hostname);
}

/** The reply to a greeting that was accepted: one line to HELO, the extensions to EHLO. */
export function helloReply(session: Session, rules: SessionRules): Reply {
  if (!session.extended) return reply(250, null, rules.hostname);
  const state = session.tls === null ? "plain" : "tls";
  return repliesOf(rules)[state] ??= reply(250, null, rules.hostname, ...keywords(session, rules));
}

/** They are the same for all connections of a server, and encoded once. */
const cache = new WeakMap<SessionRules, { [What in "greeting" | "plain" | "tls"]?: Reply }>();

function repliesOf(rules: SessionRules) {
  let found = cache.get(rules);
  if (found === undefined) cache.set(rules, found = {});
  return found;
}

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
