/**
 * Dialogues that the pure session (session_test.ts) and a whole connection at every chunk split (connection_test.ts)
 * must play alike.
 */
import { reply } from "../../../relay/protocol/reply.ts";
import type { SessionDialogue } from "../../support/session_dialogue.ts";

// "\0alice\0secret"
const PLAIN = "AGFsaWNlAHNlY3JldA==";
// "\0alice\0wrong"
const WRONG = "AGFsaWNlAHdyb25n";

/** Greeting to login, as most dialogues begin. */
const LOGIN = `
  S: 220 relay.example ESMTP MailHop
  C: EHLO client.example
  S: 250-relay.example
  S: 250-PIPELINING
  S: 250-SIZE 10000
  S: 250-8BITMIME
  S: 250-SMTPUTF8
  S: 250-CHUNKING
  S: 250-DSN
  S: 250-ENHANCEDSTATUSCODES
  S: 250-AUTH PLAIN LOGIN
  S: 250 LIMITS RCPTMAX=100 MAILMAX=1000
  C: AUTH PLAIN ${PLAIN}
  S: 235 2.7.0 Authenticated
`;

export const dialogues: readonly SessionDialogue[] = [
  {
    name: "EHLO on a plain connection: STARTTLS is offered, AUTH is not",
    text: `
      S: 220 relay.example ESMTP MailHop
      C: EHLO client.example
      S: 250-relay.example
      S: 250-PIPELINING
      S: 250-SIZE 10000
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-CHUNKING
      S: 250-DSN
      S: 250-ENHANCEDSTATUSCODES
      S: 250-STARTTLS
      S: 250 LIMITS RCPTMAX=100 MAILMAX=1000
      C: AUTH PLAIN ${PLAIN}
      S: 538 5.7.11 Encryption required: use STARTTLS or port 465
      C: MAIL FROM:<a@example.com>
      S: 530 5.7.0 Authentication required
      C: QUIT
      S: 221 2.0.0 Bye
      S: <close>
    `,
  },
  {
    name: "EHLO on a plain connection where AUTH in clear is allowed: both are offered",
    rules: { allowPlaintextAuth: true },
    text: `
      S: 220 relay.example ESMTP MailHop
      C: EHLO client.example
      S: 250-relay.example
      S: 250-PIPELINING
      S: 250-SIZE 10000
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-CHUNKING
      S: 250-DSN
      S: 250-ENHANCEDSTATUSCODES
      S: 250-STARTTLS
      S: 250-AUTH PLAIN LOGIN
      S: 250 LIMITS RCPTMAX=100 MAILMAX=1000
      C: AUTH PLAIN ${PLAIN}
      S: 235 2.7.0 Authenticated
    `,
  },
  {
    name: "HELO: one line, and no status code on it; it logs in and sends like any other",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH PLAIN ${PLAIN}
      S: 235 2.7.0 Authenticated
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
    `,
  },
  {
    name: "EHLO: an address literal and UTF-8 are names; none at all is refused and changes nothing",
    text: `
      S: 220 relay.example ESMTP MailHop
      C: EHLO
      S: 501 5.5.4 EHLO and HELO need the name …
      C: HELO
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.com>
      S: 503 5.5.1 Say EHLO first
      C: HELO [192.0.2.1]
      S: 250 relay.example
      C: HELO bücher.example
      S: 250 relay.example
    `,
  },
  {
    name: "STARTTLS: all that was known before is forgotten, EHLO, login and envelope",
    rules: { allowPlaintextAuth: true },
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH PLAIN ${PLAIN}
      S: 235 2.7.0 Authenticated
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.com>
      S: 250 2.1.5 Recipient OK
      C: STARTTLS
      S: 220 Ready to start TLS
      C: RCPT TO:<c@example.com>
      S: 503 5.5.1 Say EHLO first
      C: MAIL FROM:<a@example.com>
      S: 503 5.5.1 Say EHLO first
      C: HELO client.example
      S: 250 relay.example
      C: DATA
      S: 503 5.5.1 Say MAIL first
      C: MAIL FROM:<a@example.com>
      S: 530 5.7.0 Authentication required
      C: EHLO client.example
      S: 250-relay.example
      S: 250-PIPELINING
      S: 250-SIZE 10000
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-CHUNKING
      S: 250-DSN
      S: 250-ENHANCEDSTATUSCODES
      S: 250-AUTH PLAIN LOGIN
      S: 250 LIMITS RCPTMAX=100 MAILMAX=1000
      C: STARTTLS
      S: 503 5.5.1 TLS is active already
    `,
  },
  {
    name: "STARTTLS takes no argument, and needs a greeting",
    text: `
      S: 220 relay.example ESMTP MailHop
      C: STARTTLS
      S: 503 5.5.1 Say EHLO first
      C: HELO client.example
      S: 250 relay.example
      C: STARTTLS now
      S: 501 5.5.4 This command takes no arguments
    `,
  },
  {
    name: "AUTH PLAIN: with and without initial response",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH PLAIN ${WRONG}
      S: 535 5.7.8 Authentication failed: …
      C: auth plain
      S: 334 
      C: ${WRONG}
      S: 535 5.7.8 Authentication failed: …
      C: AUTH PLAIN
      S: 334 
      C: ${PLAIN}
      S: 235 2.7.0 Authenticated
      C: AUTH PLAIN ${PLAIN}
      S: 503 5.5.1 Authenticated already
    `,
  },
  {
    name: "AUTH LOGIN: with and without initial response",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: YWxpY2U=
      S: 334 UGFzc3dvcmQ6
      C: d3Jvbmc=
      S: 535 5.7.8 Authentication failed: …
      C: AUTH LOGIN YWxpY2U=
      S: 334 UGFzc3dvcmQ6
      C: c2VjcmV0
      S: 235 2.7.0 Authenticated
    `,
  },
  {
    name: "AUTH: a star cancels, and the session goes on",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH PLAIN
      S: 334 
      C: *
      S: 501 5.7.0 Authentication cancelled
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: YWxpY2U=
      S: 334 UGFzc3dvcmQ6
      C: *
      S: 501 5.7.0 Authentication cancelled
      C: AUTH PLAIN ${PLAIN}
      S: 235 2.7.0 Authenticated
    `,
  },
  {
    name: "AUTH: what is not base64, not UTF-8 or not of the mechanism's form is malformed, a command no response",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH PLAIN not!base64
      S: 501 5.5.2 Authentication data …
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA
      S: 501 5.5.2 …
      C: AUTH PLAIN AGFsaWNlAHNlY3JldA===
      S: 501 5.5.2 …
      C: AUTH PLAIN =
      S: 501 5.5.2 …
      C: AUTH PLAIN /////w==
      S: 501 5.5.2 …
      C: AUTH PLAIN YWxpY2U=
      S: 501 5.5.2 …
      C: AUTH PLAIN AGFsaWNlAHNlY3JldAAA
      S: 501 5.5.2 …
      C: AUTH PLAIN ${PLAIN} more
      S: 501 5.5.2 …
      C: AUTH PLAIN
      S: 334 
      C: QUIT!
      S: 501 5.5.2 …
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: =
      S: 501 5.5.2 …
      C: NOOP
      S: 250 2.0.0 OK
    `,
  },
  {
    name: "AUTH LOGIN: an equals sign is an empty initial response",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH LOGIN =
      S: 334 UGFzc3dvcmQ6
      C: c2VjcmV0
      S: 535 5.7.8 …
    `,
  },
  {
    name: "AUTH: acting for another identity is refused, for oneself it is not",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: AUTH PLAIN Ym9iAGFsaWNlAHNlY3JldA==
      S: 535 5.7.8 …
      C: AUTH PLAIN YWxpY2UAYWxpY2UAc2VjcmV0
      S: 235 2.7.0 Authenticated
    `,
  },
  {
    name: "AUTH: other mechanisms, and none",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: AUTH PLAIN ${PLAIN}
      S: 503 5.5.1 Say EHLO first
      C: HELO client.example
      S: 250 relay.example
      C: AUTH CRAM-MD5
      S: 504 5.5.4 Unknown mechanism: …
      C: AUTH XOAUTH2 ${PLAIN}
      S: 504 5.5.4 …
      C: AUTH
      S: 501 5.5.4 …
    `,
  },
  {
    name: "AUTH is not possible inside a transaction",
    tls: true,
    script: { mail: () => ({ account: "by-network" }) },
    text: `
      S: 220 relay.example ESMTP MailHop
      C: HELO client.example
      S: 250 relay.example
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: AUTH PLAIN ${PLAIN}
      S: 503 5.5.1 AUTH is not possible inside a mail transaction
      C: RCPT TO:<b@example.com>
      S: 250 2.1.5 Recipient OK
    `,
  },
  {
    name: "a message: MAIL, RCPT, DATA, each by itself; then another one",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.net>
      S: 250 2.1.5 Recipient OK
      C: RCPT TO:<c@missing.example>
      S: 550 5.1.2 Recipient's domain does not exist
      C: RCPT TO:<d@example.net>
      S: 250 2.1.5 Recipient OK
      C: DATA
      S: 354 End the message with a dot on a line of its own
      C: From: <a@example.com>
      C: 
      C: ..leading dot
      C: ...
      C: QUIT
      C: .
      S: 250 2.0.0 OK: queued as MESSAGE-1
      C: DATA
      S: 503 5.5.1 Say MAIL first
      C: MAIL FROM:<>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.net>
      S: 250 2.1.5 Recipient OK
      C: DATA
      S: 354 …
      C: .
      S: 250 2.0.0 OK: queued as MESSAGE-2
      C: QUIT
      S: 221 2.0.0 Bye
      S: <close>
    `,
  },
  {
    name: "a message: a pipelined group, with commands behind the final dot",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com> SIZE=20 BODY=8BITMIME
      C: RCPT TO:<b@example.net>
      C: RCPT TO:<c@missing.example>
      C: DATA
      S: 250 2.1.0 Sender OK
      S: 250 2.1.5 Recipient OK
      S: 550 5.1.2 Recipient's domain does not exist
      S: 354 …
      C: Grüße
      C: ..
      C: .
      C: MAIL FROM:<a@example.com>
      C: RCPT TO:<b@example.net>
      C: DATA
      S: 250 2.0.0 OK: queued as MESSAGE-1
      S: 250 2.1.0 Sender OK
      S: 250 2.1.5 Recipient OK
      S: 354 …
      C: second
      C: .
      C: RSET
      C: NOOP
      C: QUIT
      S: 250 2.0.0 OK: queued as MESSAGE-2
      S: 250 2.0.0 OK
      S: 250 2.0.0 OK
      S: 221 2.0.0 Bye
      S: <close>
    `,
  },
  {
    name: "BDAT: a message in chunks, where a dot is a dot, with commands behind the last one",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      C: RCPT TO:<b@example.net>
      C: BDAT 13
      C: .
      C: QUIT
      C: ..
      C: BDAT 0
      C: BDAT 6 LAST
      C: text
      C: NOOP
      S: 250 2.1.0 Sender OK
      S: 250 2.1.5 Recipient OK
      S: 250 2.0.0 OK: 13 octets received
      S: 250 2.0.0 OK: 0 octets received
      S: 250 2.0.0 OK: queued as MESSAGE-1
      S: 250 2.0.0 OK
    `,
  },
  {
    name: "BDAT: in the wrong place its octets are read, and are no commands",
    tls: true,
    text: `
      S: 220 relay.example ESMTP MailHop
      C: BDAT 6
      C: QUIT
      C: HELO client.example
      S: 503 5.5.1 Say EHLO first
      S: 250 relay.example
      C: bdat 6 last
      C: QUIT
      C: AUTH PLAIN ${PLAIN}
      C: MAIL FROM:<a@example.com>
      C: BDAT 6 LAST
      C: QUIT
      C: NOOP
      S: 503 5.5.1 Say MAIL first
      S: 235 …
      S: 250 2.1.0 …
      S: 503 5.5.1 No valid recipient: say RCPT first
      S: 250 2.0.0 OK
    `,
  },
  {
    name: "BDAT: it does not mix with DATA, RCPT or MAIL; RSET ends it and what came is forgotten",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      C: RCPT TO:<b@example.net>
      C: BDAT 6
      C: text
      S: 250 2.1.0 …
      S: 250 2.1.5 …
      S: 250 2.0.0 OK: 6 octets received
      C: DATA
      S: 503 5.5.1 The message has begun: …
      C: RCPT TO:<c@example.net>
      S: 503 5.5.1 …
      C: MAIL FROM:<>
      S: 503 5.5.1 …
      C: RSET
      S: 250 2.0.0 OK
      C: BDAT 0 LAST
      S: 503 5.5.1 Say MAIL first
    `,
  },
  {
    name: "BDAT: more octets than a message may have",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      C: RCPT TO:<b@example.net>
      S: 250 2.1.0 …
      S: 250 2.1.5 …
      C: BDAT 9995
      C: ${"x".repeat(9993)}
      S: 250 2.0.0 OK: 9995 octets received
      C: BDAT 6 LAST
      C: text
      C: NOOP
      S: 552 5.3.4 Message too big: at most 10000 bytes
      S: 250 2.0.0 OK
      C: BDAT 10001
      S: 552 5.3.4 Message too big: at most 10000 bytes
      S: <close>
    `,
  },
  {
    name: "BDAT: a number that cannot be read ends the session, for what follows may be content",
    tls: true,
    text: `${LOGIN}
      C: BDAT -1
      C: NOOP
      S: 501 5.5.4 …
      S: <close>
    `,
  },
  {
    name: "a message that is refused ends its transaction, and the session goes on",
    tls: true,
    script: { message: () => reply(451, "4.7.1", "Daily relay quota exceeded") },
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.net>
      S: 250 2.1.5 Recipient OK
      C: DATA
      S: 354 …
      C: text
      C: .
      S: 451 4.7.1 Daily relay quota exceeded
      C: RCPT TO:<b@example.net>
      S: 503 5.5.1 Say MAIL first
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
    `,
  },
  {
    name: "order: RCPT and DATA need MAIL, DATA needs a recipient that was accepted, MAIL does not nest",
    tls: true,
    text: `${LOGIN}
      C: RCPT TO:<b@example.net>
      S: 503 5.5.1 Say MAIL first
      C: DATA
      S: 503 5.5.1 Say MAIL first
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: DATA
      S: 503 5.5.1 No valid recipient: say RCPT first
      C: RCPT TO:<c@missing.example>
      S: 550 5.1.2 …
      C: DATA
      S: 503 5.5.1 No valid recipient: say RCPT first
      C: MAIL FROM:<other@example.com>
      S: 503 5.5.1 A mail transaction is open already: RSET ends it
      C: RCPT TO:<b@example.net>
      S: 250 2.1.5 Recipient OK
      C: DATA now
      S: 501 5.5.4 This command takes no arguments
      C: DATA
      S: 354 …
    `,
  },
  {
    name: "RSET and EHLO end the transaction, not the login",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RSET
      S: 250 2.0.0 OK
      C: RCPT TO:<b@example.net>
      S: 503 5.5.1 Say MAIL first
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: HELO again.example
      S: 250 relay.example
      C: RCPT TO:<b@example.net>
      S: 503 5.5.1 Say MAIL first
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
    `,
  },
  {
    name: "MAIL: parameters",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com> SIZE=1 BODY=7BIT SMTPUTF8 AUTH=<>
      C: RSET
      S: 250 2.1.0 Sender OK
      S: 250 2.0.0 OK
      C: mail from:<a@example.com> size=00000000000000000001 body=8bitmime smtputf8 auth=a+40example.com
      C: RSET
      S: 250 2.1.0 Sender OK
      S: 250 2.0.0 OK
      C: MAIL FROM:<a@example.com> SIZE=
      S: 501 5.5.4 Syntax error: …
      C: MAIL FROM:<a@example.com> SIZE
      S: 501 5.5.4 Bad value of parameter SIZE: …
      C: MAIL FROM:<a@example.com> SIZE=1x
      S: 501 5.5.4 Bad value of parameter SIZE: …
      C: MAIL FROM:<a@example.com> SIZE=123456789012345678901
      S: 501 5.5.4 Bad value of parameter SIZE: …
      C: MAIL FROM:<a@example.com> SIZE=-1
      S: 501 5.5.4 Bad value of parameter SIZE: …
      C: MAIL FROM:<a@example.com> SIZE=1 SIZE=1
      S: 501 5.5.4 Bad value of parameter SIZE: …
      C: MAIL FROM:<a@example.com> BODY=BINARYMIME
      S: 501 5.5.4 Bad value of parameter BODY: …
      C: MAIL FROM:<a@example.com> SMTPUTF8=yes
      S: 501 5.5.4 Bad value of parameter SMTPUTF8: …
      C: MAIL FROM:<a@example.com> AUTH=a+4
      S: 501 5.5.4 Bad value of parameter AUTH: …
      C: MAIL FROM:<a@example.com> X-FOO=1
      S: 555 5.5.4 Unknown parameter X-FOO
      C: MAIL FROM:<a@example.com> =1
      S: 501 5.5.4 Syntax error: …
      C: MAIL FROM:<a@example.com>SIZE=1
      S: 501 5.5.4 Syntax error: …
    `,
  },
  {
    name: "MAIL: the reverse path",
    tls: true,
    text: `${LOGIN}
      C: MAIL
      S: 501 5.5.4 Syntax error: expected MAIL FROM:<address>
      C: MAIL TO:<a@example.com>
      S: 501 5.5.4 Syntax error: expected MAIL FROM:<address>
      C: MAIL FROM:a@example.com
      S: 501 5.1.7 Bad sender address: an address stands in angle brackets
      C: MAIL FROM:<a>
      S: 501 5.1.7 Bad sender address: …
      C: MAIL FROM:<Postmaster>
      S: 501 5.1.7 Bad sender address: …
      C: MAIL FROM:<a@bücher.example>
      S: 553 5.6.7 An address beyond ASCII needs the SMTPUTF8 parameter of MAIL
      C: MAIL FROM:<a@bücher.example> SMTPUTF8
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<ü@example.com>
      S: 250 2.1.5 Recipient OK
      C: RSET
      S: 250 2.0.0 OK
      C: MAIL FROM: <@a.example:"quoted local"@example.com>
      S: 250 2.1.0 Sender OK
    `,
  },
  {
    name: "RCPT: the forward path",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT
      S: 501 5.5.4 Syntax error: expected RCPT TO:<address>
      C: RCPT FROM:<b@example.com>
      S: 501 5.5.4 Syntax error: expected RCPT TO:<address>
      C: RCPT TO:<>
      S: 501 5.1.3 Bad address: a recipient cannot be empty
      C: RCPT TO:<b@[192.0.2.300]>
      S: 501 5.1.3 Bad address: the domain is not well formed
      C: RCPT TO:<ü@example.com>
      S: 553 5.6.7 …
      C: RCPT TO:<b@example.com> PRIORITY=1
      S: 555 5.5.4 Unknown parameter PRIORITY
      C: RCPT TO:<Postmaster>
      S: 250 2.1.5 Recipient OK
      C: rcpt to:<B@[IPv6:2001:db8::1]>
      S: 250 2.1.5 Recipient OK
    `,
  },
  {
    name: "VRFY, HELP, NOOP, RSET and QUIT need no greeting",
    text: `
      S: 220 relay.example ESMTP MailHop
      C: VRFY someone
      S: 252 2.5.0 …
      C: VRFY
      S: 501 5.5.4 …
      C: HELP
      S: 214 2.0.0 …
      C: HELP MAIL
      S: 214 2.0.0 …
      C: NOOP
      S: 250 2.0.0 OK
      C: NOOP with words
      S: 250 2.0.0 OK
      C: RSET
      S: 250 2.0.0 OK
      C: RSET all
      S: 501 5.5.4 …
      C: QUIT now
      S: 501 5.5.4 …
      C: quit
      S: 221 2.0.0 Bye
      S: <close>
    `,
  },
  {
    name: "unknown commands, empty lines and control characters are refused, names of objects too",
    text: `
      S: 220 relay.example ESMTP MailHop
      C: FOO
      S: 500 5.5.1 Unknown command
      C: 
      S: 500 5.5.1 Unknown command
      C: constructor
      S: 500 5.5.1 Unknown command
      C:  EHLO client.example
      S: 500 5.5.1 Unknown command
      C: EHLO\tclient.example
      S: 500 5.5.2 A command is UTF-8 text without control characters
      C: NOOP \0
      S: 500 5.5.2 …
      C: \ufeffNOOP
      S: 500 5.5.1 Unknown command
    `,
  },
  {
    name: "letters and spaces beyond ASCII are none of a command's, though Unicode's rules make them some",
    tls: true,
    text: `${LOGIN}
      C: MAıL FROM:<a@example.com>
      S: 500 5.5.1 Unknown command
      C: RſET
      S: 500 5.5.1 Unknown command
      C: RSET \u3000
      S: 501 5.5.4 This command takes no arguments
      C: MAIL FROM:<a@example.com> BODY=8BıTMIME
      S: 501 5.5.4 Bad value of parameter BODY: …
      C: MAIL FROM:<a@example.com> RET=HDRſ
      S: 501 5.5.4 Bad value of parameter RET: …
      C: MAIL FROM:<a@example.com> \u00a0
      S: 501 5.5.4 Syntax error: …
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.net> NOTIFY=FAıLURE
      S: 501 5.5.4 Bad value of parameter NOTIFY: …
      C: RCPT TO:<b@example.net> ORCPT=utf-8;\\X{FC}@example.net
      S: 501 5.5.4 Bad value of parameter ORCPT: …
    `,
  },
  {
    name: "a source route is one of hosts, and the number of a chunk may begin with noughts",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<@-a:a@example.com>
      S: 501 5.1.7 Bad sender address: …
      C: MAIL FROM:<@a.example:b:c@example.com>
      S: 501 5.1.7 Bad sender address: …
      C: MAIL FROM:<@a.example,@[192.0.2.1]:a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.net>
      S: 250 2.1.5 Recipient OK
      C: BDAT 00000000000000000006 LAST
      C: text
      S: 250 2.0.0 OK: queued as MESSAGE-1
    `,
  },
  {
    name: "HTTP: the first line is answered with 554, nothing of it is repeated, and the rest is not read",
    text: `
      S: 220 relay.example ESMTP MailHop
      C: POST / HTTP/1.1
      C: Host: relay.example
      C: 
      C: NOOP
      S: 554 5.5.0 This is an SMTP server
      S: <close>
    `,
  },
  {
    name: "commands of other times are known, but not here",
    text: `
      S: 220 relay.example ESMTP MailHop
      C: EHLO client.example
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250-…
      S: 250 …
      C: EXPN staff
      S: 502 5.5.1 Command not implemented
      C: TURN
      S: 502 5.5.1 Command not implemented
    `,
  },
  {
    name: "the 101st command that leads nowhere ends the session; a message makes room for more",
    tls: true,
    text: `${LOGIN}
      ${"C: NOOP\n".repeat(90)}
      ${"S: 250 2.0.0 OK\n".repeat(90)}
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.net>
      S: 250 2.1.5 Recipient OK
      C: DATA
      S: 354 …
      C: text
      C: .
      S: 250 2.0.0 OK: queued as MESSAGE-1
      ${"C: RSET\n".repeat(101)}
      ${"S: 250 2.0.0 OK\n".repeat(100)}
      S: 421 4.7.0 Too many commands without a message
      S: <close>
    `,
  },
  {
    name: "BDAT 0 leads nowhere: with EHLO before, the 100th of them ends the session",
    tls: true,
    text: `${LOGIN}
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RCPT TO:<b@example.net>
      S: 250 2.1.5 Recipient OK
      ${"C: BDAT 0\n".repeat(100)}
      ${"S: 250 2.0.0 OK: 0 octets received\n".repeat(99)}
      S: 421 4.7.0 Too many commands without a message
      S: <close>
    `,
  },
  {
    name: "a connection has an end: 421 at MAIL once the messages of one connection were sent",
    tls: true,
    rules: { maxMessages: 1 },
    text: `${LOGIN.replace("MAILMAX=1000", "MAILMAX=1")}
      C: MAIL FROM:<a@example.com>
      S: 250 2.1.0 Sender OK
      C: RSET
      S: 250 2.0.0 OK
      C: MAIL FROM:<a@example.com>
      S: 421 4.7.0 Too many messages on one connection: open another
      S: <close>
    `,
  },
  {
    name: "the 21st error ends the session",
    tls: true,
    text: `${LOGIN}
      ${"C: FOO\n".repeat(20)}
      ${"S: 500 5.5.1 Unknown command\n".repeat(20)}
      C: NOOP
      S: 250 2.0.0 OK
      C: FOO
      C: NOOP
      S: 421 4.7.0 Too many errors
      S: <close>
    `,
  },
];
