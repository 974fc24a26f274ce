/**
 * From what a remote server answered, or failed to answer, to what becomes of a recipient.
 *
 * Pure. The whole table, with whether it settles the matter for this round (otherwise the next host is asked):
 *
 * | stage                | 2yz, 354  | 4yz, 421, nonsense | 5yz              | connection lost, time-out |
 * |----------------------|-----------|--------------------|------------------|---------------------------|
 * | connect              |           |                    |                  | deferred, next host       |
 * | greeting, EHLO       | go on     | deferred, next host| failed, next host| deferred, next host       |
 * | MAIL, RCPT, DATA     | go on     | deferred, next host| failed, settled  | deferred, next host       |
 * | content              |           |                    |                  | deferred, next host       |
 * | end (the final dot)  | delivered | deferred, next host| failed, settled  | deferred, settled         |
 *
 * A host that refuses us at its greeting (RFC 5321 3.1) speaks for itself only, so another one is asked; where none
 * takes the message and none defers it either, it has failed. What is refused in plain for want of TLS that the server
 * offers is deferred, for the next session may have it (RFC 3207 4). Behind the final dot the message may have arrived
 * although the answer did not (RFC 1047): trying another host at once would make the duplicate certain.
 */
import { cleanWords, wordsOfReply } from "./remote_words.ts";
import type { RemoteReply } from "./reply_reader.ts";

export type Stage = "connect" | "greeting" | "ehlo" | "mail" | "rcpt" | "data" | "content" | "end";
export type ReplyStage = Exclude<Stage, "connect" | "content">;

export interface Verdict {
  readonly kind: "delivered" | "deferred" | "failed";
  /** Whether no other host is to be asked in this round. */
  readonly settled: boolean;
  /** RFC 3463 status code; its class agrees with `kind`. */
  readonly status: string;
  /** One clean line: the remote server's words if `fromRemote`, else ours for the trouble. */
  readonly reply: string;
  readonly fromRemote: boolean;
  /** The server says of the recipient that there is no such mailbox, or none in use: it will never do. */
  readonly badAddress?: true;
  /** Nobody was asked: the operator had it returned. */
  readonly byOperator?: true;
}

/**
 * What refuses a recipient for what it is (RFC 3463 3.2 and 3.3): no such mailbox, no such syntax, moved, disabled.
 * Not X.1.0 and not a bare 550, which servers use for their policies as well; and not a full mailbox.
 */
const BAD_ADDRESS: ReadonlySet<string | null> = new Set(["5.1.1", "5.1.3", "5.1.6", "5.2.1"]);

/** The verdict of a reply, or null where it means "go on". */
export function verdictOfReply(stage: ReplyStage, reply: RemoteReply): Verdict | null {
  const { code, enhanced } = reply;
  if (code >= 500 && !(stage === "rcpt" && isTooManyRecipients(reply))) {
    const failed = remoteVerdict("failed", stage !== "greeting" && stage !== "ehlo", enhanced ?? "5.0.0", reply);
    // Only at RCPT is the reply about this recipient alone.
    return stage === "rcpt" && BAD_ADDRESS.has(enhanced) ? { ...failed, badAddress: true } : failed;
  }
  if (code >= 500) return remoteVerdict("deferred", false, "4.5.3", reply);
  if (code >= 400) return remoteVerdict("deferred", false, enhanced ?? "4.0.0", reply);
  // Only DATA is answered with 3yz, and with nothing else (RFC 5321 4.3.2).
  if (code >= 300 !== (stage === "data")) return remoteVerdict("deferred", false, "4.5.0", reply);
  return stage === "end" ? remoteVerdict("delivered", true, enhanced ?? "2.0.0", reply) : null;
}

function remoteVerdict(kind: Verdict["kind"], settled: boolean, status: string, reply: RemoteReply): Verdict {
  return { kind, settled, status, reply: wordsOfReply(reply), fromRemote: true };
}

/** The verdict of a connection that could not be had, broke, or fell silent; `why` in our words. */
export function verdictOfTrouble(stage: Stage, why: string): Verdict {
  return {
    kind: "deferred",
    settled: stage === "end",
    // RFC 3463 3.5: X.4.1 no answer from host, X.4.2 bad connection.
    status: stage === "connect" ? "4.4.1" : "4.4.2",
    reply: why,
    fromRemote: false,
  };
}

/**
 * Whether what is refused in plain may be welcome with TLS: 530 (RFC 3207 4), or the server's policy (RFC 3463 3.8),
 * of which nobody knows whether it is about TLS.
 */
export function mayWantTls({ code, enhanced }: RemoteReply): boolean {
  return code === 530 || (enhanced?.startsWith("5.7.") ?? false);
}

/** The verdict of what is refused in plain and may be welcome with TLS. @param missedTls why there was none. */
export function verdictWithoutTls(missedTls: string, refusal: string): Verdict {
  const words = `without TLS, which could not be had (${missedTls}): ${refusal}`;
  return ownVerdict("deferred", "4.7.0", cleanWords(words), false);
}

/** A verdict of our own, from the DNS, the envelope or the relay's state. */
export function ownVerdict(kind: "deferred" | "failed", status: string, reply: string, settled = true): Verdict {
  return { kind, settled, status, reply, fromRemote: false };
}

/**
 * Whether a reply to RCPT says that this transaction is full, so that the recipient belongs in another one
 * (RFC 5321 4.5.3.1.10: 452, and 552 from servers of RFC 821's time), and not that the mailbox is.
 */
export function isTooManyRecipients(reply: RemoteReply): boolean {
  if (reply.code !== 452 && reply.code !== 552) return false;
  return reply.enhanced === null || reply.enhanced === "4.5.3" || reply.enhanced === "5.5.3";
}

/** What counts after a further host was asked: one host's deferral outweighs another's refusal of our connection. */
export function laterVerdict(earlier: Verdict | undefined, later: Verdict): Verdict {
  if (earlier === undefined || later.settled) return later;
  return earlier.kind === "deferred" && later.kind === "failed" ? earlier : later;
}
