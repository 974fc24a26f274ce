/**
 * Opens a session with a remote server: connect, greeting, EHLO or HELO, STARTTLS.
 *
 * TLS is used where it can be had, whoever's certificate it is; where the handshake fails a new connection does
 * without. Such a session knows what it has missed, so that a passing trouble of TLS does not become a refusal for
 * good. A policy (MTA-STS) may ask for more: then a session that it does not allow is not opened. Plaintext behind the
 * answer to STARTTLS ends the connection (the CVE-2011-0411 family, as a client).
 */
import { type Capabilities, NO_CAPABILITIES, parseCapabilities } from "./capabilities.ts";
import { dial, type DialSettings } from "./dial.ts";
import { ownVerdict, type Stage, type Verdict, verdictOfReply, verdictOfTrouble } from "./outcome.ts";
import { wordsOfReply } from "./remote_words.ts";
import { ConnectionLost, type OctetStream, ReplyChannel } from "./reply_channel.ts";
import type { RemoteAddress, SmtpSession } from "./smtp_session.ts";
import { type TlsConnection, upgradeToTls } from "./tls_upgrade.ts";
import { judgeTls, type TlsState } from "./tls_verdict.ts";
import { troubleWords } from "./trouble_words.ts";

export interface SmtpClientSettings extends DialSettings {
  /** This node's own name, for EHLO. */
  readonly hostname: string;
  /** Authorities whose certificates count, in PEM; undefined: those that Deno comes with. */
  readonly authorities?: readonly string[] | undefined;
}

export type Opening =
  | { readonly kind: "open"; readonly session: SmtpSession }
  /** No session with this host; the verdict is the same for all recipients. */
  | { readonly kind: "refused"; readonly verdict: Verdict };

/** What TLS is tried for; after a handshake that failed a new connection does without. */
type Try = "tls" | "without-tls";

/**
 * Does not throw for anything that a remote server or the network does.
 *
 * @param connection an open one, if there is one; it is then this function's to close.
 */
export async function openSession(
  remote: RemoteAddress,
  settings: SmtpClientSettings,
  connection?: OctetStream,
): Promise<Opening> {
  const opening = await tryOpen(remote, settings, "tls", connection);
  if (opening !== "handshake-failed") return opening;
  const judgement = judgeTls(remote.tlsPolicy, { kind: "handshake-failed" }, remote.name);
  if (judgement.kind === "unusable") return refused(judgement.verdict);
  const plain = await tryOpen(remote, settings, "without-tls");
  if (plain === "handshake-failed") throw new Error("a connection without TLS cannot fail for TLS");
  return plain;
}

async function tryOpen(
  remote: RemoteAddress,
  settings: SmtpClientSettings,
  what: Try,
  connection?: OctetStream,
): Promise<Opening | "handshake-failed"> {
  const { watch, seconds } = settings;
  const dialled = connection ?? await dial(remote, settings);
  if ("verdict" in dialled) return refused(dialled.verdict);
  let channel = new ReplyChannel(dialled, watch);
  let stage: Stage = "greeting";
  let tls: TlsConnection | null = null;
  let missedTls = what === "without-tls" ? "the handshake failed" : undefined;
  let keep = false;
  try {
    const greeting = verdictOfReply("greeting", await channel.receive(seconds.greeting));
    if (greeting !== null) return refused(greeting);
    stage = "ehlo";
    let capabilities = await sayHello(channel, settings);
    if (what === "tls" && isCapabilities(capabilities) && capabilities.startTls) {
      await channel.sendText("STARTTLS\r\n", seconds.command);
      const reply = await channel.receive(seconds.command);
      if (reply.code === 220) {
        if (channel.hasUnread) return refused(INJECTED);
        tls = await handshake(channel, dialled, remote, settings);
        if (tls === null) return "handshake-failed";
        channel = new ReplyChannel(tls.stream, watch);
        // RFC 3207 4.2: what was said before TLS is forgotten.
        capabilities = await sayHello(channel, settings);
      } else {
        // RFC 3207 4: TLS is not to be had now, and the session goes on in plain.
        missedTls = `STARTTLS was answered with ${wordsOfReply(reply)}`;
      }
    }
    if (!isCapabilities(capabilities)) return refused(capabilities);
    const judgement = judgeTls(remote.tlsPolicy, stateOf(tls, what), remote.name);
    if (judgement.kind === "unusable") return refused(judgement.verdict);
    keep = true;
    return {
      kind: "open",
      session: {
        remote,
        tls: tls?.session ?? null,
        tlsVerdict: judgement.words,
        missedTls,
        capabilities,
        channel,
        seconds,
        transactions: 0,
        needsReset: false,
        wantsTls: false,
      },
    };
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    // In TLS 1.3 the client is done first (RFC 8446 2): a server that refuses the handshake ends what seems to stand.
    if (tls !== null && !error.timedOut && !channel.hasHeard) return "handshake-failed";
    return refused(verdictOfTrouble(stage, troubleWords(remote, error.message, stage)));
  } finally {
    if (!keep) channel.close();
  }
}

function stateOf(tls: TlsConnection | null, what: Try): TlsState {
  if (tls !== null) return { kind: "tls", certificate: tls.certificateTrouble };
  return { kind: what === "tls" ? "plain" : "handshake-failed" };
}

const INJECTED = ownVerdict("deferred", "4.7.0", "plaintext behind the server's answer to STARTTLS", false);

function refused(verdict: Verdict): Opening {
  return { kind: "refused", verdict };
}

/** EHLO, or HELO where the server does not know it (RFC 5321 3.2). */
async function sayHello(channel: ReplyChannel, settings: SmtpClientSettings): Promise<Capabilities | Verdict> {
  const { hostname, seconds } = settings;
  await channel.sendText(`EHLO ${hostname}\r\n`, seconds.command);
  const ehlo = await channel.receive(seconds.command);
  const verdict = verdictOfReply("ehlo", ehlo);
  if (verdict === null) return parseCapabilities(ehlo);
  if (verdict.kind === "deferred") return verdict;
  await channel.sendText(`HELO ${hostname}\r\n`, seconds.command);
  return verdictOfReply("ehlo", await channel.receive(seconds.command)) ?? NO_CAPABILITIES;
}

function isCapabilities(hello: Capabilities | Verdict): hello is Capabilities {
  return "pipelining" in hello;
}

/** null where it failed: the connection is then closed. */
async function handshake(
  channel: ReplyChannel,
  plain: OctetStream,
  remote: RemoteAddress,
  { watch, seconds, authorities }: SmtpClientSettings,
): Promise<TlsConnection | null> {
  channel.handOver();
  // RFC 6066 3: a literal address is no server name.
  const serverName = remote.name === remote.address ? null : remote.name;
  try {
    return await upgradeToTls(plain, { serverName, authorities, seconds: seconds.handshake }, watch);
  } catch (error) {
    // Whatever the reason is, opportunistic TLS goes on without.
    if (!(error instanceof Error)) throw error;
    return null;
  }
}
