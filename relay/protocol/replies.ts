/**
 * The catalogue of all that the SMTP server says, but for the refusals that policy decides (policy/wording.ts).
 *
 * Call sites name a reply and never write a number. Each says what is wrong and what to do, for it is read in a mail
 * client's error window or in a server's log.
 */
import { type Reply, reply } from "./reply.ts";

export const replies = {
  // RFC 5321 4.1.1
  ok: reply(250, "2.0.0", "OK"),
  senderOk: reply(250, "2.1.0", "Sender OK"),
  recipientOk: reply(250, "2.1.5", "Recipient OK"),
  startData: reply(354, null, "End the message with a dot on a line of its own"),
  bye: reply(221, "2.0.0", "Bye"),
  // RFC 5321 3.5.3: a relay that does not verify says so with 252.
  cannotVerify: reply(252, "2.5.0", "Not verified here: send the message and the recipient's server will tell"),
  help: reply(214, "2.0.0", "EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT"),

  // RFC 3207
  readyForTls: reply(220, null, "Ready to start TLS"),
  tlsActive: reply(503, "5.5.1", "TLS is active already"),

  // RFC 4954
  authenticated: reply(235, "2.7.0", "Authenticated"),
  emptyChallenge: reply(334, null, ""),
  usernameChallenge: reply(334, null, "VXNlcm5hbWU6"), // "Username:"
  passwordChallenge: reply(334, null, "UGFzc3dvcmQ6"), // "Password:"
  authCancelled: reply(501, "5.7.0", "Authentication cancelled"),
  authMalformed: reply(501, "5.5.2", "Authentication data is not valid base64 of the mechanism's form"),
  authMechanismUnknown: reply(504, "5.5.4", "Unknown mechanism: use AUTH PLAIN or AUTH LOGIN"),
  authAgain: reply(503, "5.5.1", "Authenticated already"),
  authInTransaction: reply(503, "5.5.1", "AUTH is not possible inside a mail transaction"),
  authNeedsTls: reply(538, "5.7.11", "Encryption required: use STARTTLS or port 465"),
  authFailed: reply(535, "5.7.8", "Authentication failed: check the username (not the e-mail address) and password"),
  authUnavailable: reply(454, "4.7.0", "Accounts cannot be looked up now: try again in a minute"),

  // sequence and syntax, RFC 5321 4.2.4 and 4.3.2
  unknownCommand: reply(500, "5.5.1", "Unknown command"),
  // RFC 5321 4.2.4: known, but not here
  notImplemented: reply(502, "5.5.1", "Command not implemented"),
  lineTooLong: reply(500, "5.5.6", "Line too long"),
  malformedLine: reply(500, "5.5.2", "A command is a line of text that ends with CRLF"),
  notUtf8: reply(500, "5.5.2", "A command is UTF-8 text without control characters"),
  helloFirst: reply(503, "5.5.1", "Say EHLO first"),
  helloNeedsName: reply(501, "5.5.4", "EHLO and HELO need the name or the address literal of your host"),
  noArguments: reply(501, "5.5.4", "This command takes no arguments"),
  nestedMail: reply(503, "5.5.1", "A mail transaction is open already: RSET ends it"),
  mailFirst: reply(503, "5.5.1", "Say MAIL first"),
  recipientFirst: reply(503, "5.5.1", "No valid recipient: say RCPT first"),
  tooManyErrors: reply(421, "4.7.0", "Too many errors"),
  tooManyJunkCommands: reply(421, "4.7.0", "Too many commands without a message"),
  tooManyRefusals: reply(421, "4.7.0", "Too many refused senders and recipients"),
  tooManyMessages: reply(421, "4.7.0", "Too many messages on one connection: open another"),
  earlyTalker: reply(554, "5.5.0", "This is an SMTP server: the client waits for its greeting"),
  notSmtp: reply(554, "5.5.0", "This is an SMTP server"),
  // RFC 3030 2
  chunksOnly: reply(503, "5.5.1", "The message has begun: BDAT goes on, RSET ends it"),
  // RFC 6531 3.5
  needsSmtputf8: reply(553, "5.6.7", "An address beyond ASCII needs the SMTPUTF8 parameter of MAIL"),
  // our own trouble and limits: never 5yz
  idle: reply(421, "4.4.2", "Idle for too long"),
  tooSlow: reply(421, "4.4.2", "The message came too slowly"),
  shuttingDown: reply(421, "4.3.2", "Shutting down: try again in a minute"),
  spoolFailing: reply(452, "4.3.1", "The message could not be stored: try again later"),
  localTrouble: reply(451, "4.3.0", "Temporary local error: try again later"),
} as const satisfies Readonly<Record<string, Reply>>;

export function banner(hostname: string): Reply {
  return reply(220, null, `${hostname} ESMTP MailHop`);
}

export function accepted(messageId: string): Reply {
  return reply(250, "2.0.0", `OK: queued as ${messageId}`);
}

/** RFC 5321 4.1.1.2: what is wrong with the argument of MAIL or RCPT. */
export function badPath(why: string): Reply {
  return reply(501, "5.1.3", `Bad address: ${why}`);
}

export function badReversePath(why: string): Reply {
  return reply(501, "5.1.7", `Bad sender address: ${why}`);
}

export function badSyntax(expected: string): Reply {
  return reply(501, "5.5.4", `Syntax error: expected ${expected}`);
}

/** RFC 5321 4.1.1.11. */
export function unknownParameter(name: string): Reply {
  return reply(555, "5.5.4", `Unknown parameter ${name}`);
}

export function badParameter(name: string, expected: string): Reply {
  return reply(501, "5.5.4", `Bad value of parameter ${name}: expected ${expected}`);
}

/** RFC 3030 2. */
export function chunkReceived(octets: number): Reply {
  return reply(250, "2.0.0", `OK: ${octets} octets received`);
}

/** RFC 1870 6.1: as the policy says it, where the number alone is too big to be read. */
export function tooBig(maxBytes: number): Reply {
  return reply(552, "5.3.4", `Message too big: at most ${maxBytes} bytes`);
}
